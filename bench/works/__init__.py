"""The works, each beside its baseline: one module, one purpose."""
