"""What `books check` asks PostgreSQL: each query gives what is wrong, or suspect."""

from typing import Final

SUMS: Final = """
    SELECT currency, sum(amount) AS total FROM (
        SELECT a.currency, -t.amount AS amount
            FROM transfers t JOIN ledger_accounts a ON a.id = t.debit_id
            WHERE t.kind IN ('single', 'post')
        UNION ALL
        SELECT a.currency, t.amount
            FROM transfers t JOIN ledger_accounts a ON a.id = t.credit_id
            WHERE t.kind IN ('single', 'post')
    ) AS ends GROUP BY currency HAVING sum(amount) <> 0 ORDER BY currency
"""

ORPHANS: Final = """
    SELECT t.id, t.currency FROM transfers t
        LEFT JOIN ledger_accounts d ON d.id = t.debit_id AND d.currency = t.currency
        LEFT JOIN ledger_accounts c ON c.id = t.credit_id AND c.currency = t.currency
        WHERE d.id IS NULL OR c.id IS NULL ORDER BY t.position
"""

WALLETS: Final = """
    SELECT w.account_id, a.owner, a.currency, w.posted, w.pending,
            coalesce(m.posted, 0)::bigint AS posted_by_transfers,
            coalesce(m.pending, 0)::bigint AS pending_by_transfers
        FROM wallets w
        JOIN ledger_accounts a ON a.id = w.account_id
        LEFT JOIN (
            SELECT account_id, sum(posted) AS posted, sum(pending) AS pending FROM (
                SELECT debit_id AS account_id,
                        CASE WHEN kind IN ('single', 'post') THEN -amount ELSE 0 END AS posted,
                        CASE kind WHEN 'pending' THEN amount WHEN 'single' THEN 0 ELSE -amount END
                            AS pending
                    FROM transfers
                UNION ALL
                SELECT credit_id,
                        CASE WHEN kind IN ('single', 'post') THEN amount ELSE 0 END, 0
                    FROM transfers
            ) AS moves GROUP BY account_id
        ) AS m ON m.account_id = w.account_id
        WHERE w.posted <> coalesce(m.posted, 0) OR w.pending <> coalesce(m.pending, 0)
        ORDER BY w.account_id
"""

HOLDS: Final = """
    SELECT p.id, p.amount, p.currency, p.call_id, coalesce(r.resolved, 0)::bigint AS resolved,
            s.state, s.segment = g.segment AS current,
            c.id IS NOT NULL AND c.ended_at IS NULL AS call_open
        FROM transfers p
        LEFT JOIN (
            SELECT pending_id, sum(amount) AS resolved FROM transfers
                WHERE pending_id IS NOT NULL GROUP BY pending_id
        ) AS r ON r.pending_id = p.id
        LEFT JOIN grants g ON g.transfer_id = p.id
        LEFT JOIN charging_sessions s ON s.session_id = g.session_id
        LEFT JOIN calls c ON c.id = p.call_id
        WHERE p.kind = 'pending'
            AND (coalesce(r.resolved, 0) <> p.amount OR s.state = 'granted')
        ORDER BY p.position
"""

RESOLUTIONS: Final = """
    SELECT t.id, t.kind, t.pending_id FROM transfers t
        LEFT JOIN transfers p ON p.id = t.pending_id AND p.kind = 'pending'
            AND p.debit_id = t.debit_id AND p.credit_id = t.credit_id
            AND p.currency = t.currency AND p.call_id IS NOT DISTINCT FROM t.call_id
        WHERE t.kind IN ('post', 'void') AND p.id IS NULL ORDER BY t.position
"""

GRANTS: Final = """
    SELECT g.session_id, g.request_number, g.amount, g.transfer_id, t.amount AS transferred,
            s.tariff ->> 'currency' AS currency
        FROM grants g
        JOIN charging_sessions s ON s.session_id = g.session_id
        LEFT JOIN transfers t ON t.id = g.transfer_id AND t.kind = 'pending'
            AND t.call_id = g.session_id
        WHERE g.amount <> coalesce(t.amount, 0)
        ORDER BY g.session_id, g.request_number
"""

SETTLED: Final = """
    SELECT coalesce(c.id, n.call_id) AS call_id, coalesce(n.settlements, 0) AS settlements
        FROM calls c
        FULL JOIN (
            SELECT call_id, count(*) AS settlements FROM settlements GROUP BY call_id
        ) AS n ON n.call_id = c.id
        WHERE coalesce(n.settlements, 0) <> CASE WHEN c.ended_at IS NULL THEN 0 ELSE 1 END
        ORDER BY 1
"""

CLEARING: Final = """
    SELECT t.call_id, t.currency,
            coalesce(sum(t.amount) FILTER (WHERE c.kind = 'clearing'), 0)::bigint AS came_in,
            coalesce(sum(t.amount) FILTER (WHERE d.kind = 'clearing'), 0)::bigint AS went_out
        FROM transfers t
        JOIN ledger_accounts d ON d.id = t.debit_id
        JOIN ledger_accounts c ON c.id = t.credit_id
        WHERE t.kind IN ('single', 'post')
        GROUP BY t.call_id, t.currency
        HAVING coalesce(sum(t.amount) FILTER (WHERE c.kind = 'clearing'), 0)
            <> coalesce(sum(t.amount) FILTER (WHERE d.kind = 'clearing'), 0)
        ORDER BY t.call_id
"""

PARTS: Final = """
    SELECT s.call_id, s.currency, s.charge, s.tax, s.expert, s.platform,
            coalesce(m.charge, 0)::bigint AS charge_moved, coalesce(m.tax, 0)::bigint AS tax_moved,
            coalesce(m.expert, 0)::bigint AS expert_moved,
            coalesce(m.platform, 0)::bigint AS platform_moved
        FROM settlements s
        LEFT JOIN (
            SELECT t.call_id,
                    sum(t.amount) FILTER (WHERE t.kind = 'post') AS charge,
                    sum(t.amount) FILTER (WHERE t.reason = 'share-tax' AND c.kind = 'tax') AS tax,
                    sum(t.amount) FILTER (
                        WHERE t.reason = 'share-expert' AND c.kind = 'expert-payable') AS expert,
                    sum(t.amount) FILTER (
                        WHERE t.reason = 'share-platform' AND c.kind = 'platform-revenue')
                        AS platform
                FROM transfers t JOIN ledger_accounts c ON c.id = t.credit_id
                WHERE t.call_id IS NOT NULL GROUP BY t.call_id
        ) AS m ON m.call_id = s.call_id
        WHERE (s.charge, s.tax, s.expert, s.platform)
            IS DISTINCT FROM (coalesce(m.charge, 0)::bigint, coalesce(m.tax, 0)::bigint,
                coalesce(m.expert, 0)::bigint, coalesce(m.platform, 0)::bigint)
        ORDER BY s.call_id
"""

RATED: Final = """
    SELECT s.call_id, s.charge, s.tax, s.expert, s.platform,
            s.used_seconds, s.billed_seconds, s.overrun_ms,
            h.tariff, h.share, g.granted_seconds, coalesce(b.closed, '[]'::jsonb) AS closed,
            EXISTS (SELECT 1 FROM premium_settlements n WHERE n.call_id = s.call_id) AS premium,
            coalesce(i.intervals, '[]'::jsonb) AS intervals
        FROM settlements s
        LEFT JOIN charging_sessions h ON h.session_id = s.call_id
        LEFT JOIN LATERAL (
            SELECT granted_seconds FROM grants
                WHERE session_id = h.session_id AND segment = h.segment
                ORDER BY request_number DESC LIMIT 1
        ) AS g ON true
        LEFT JOIN LATERAL (
            SELECT jsonb_agg(to_jsonb(z) ORDER BY z.segment) AS closed
                FROM closed_segments z WHERE z.session_id = s.call_id AND h.segment > 0
        ) AS b ON true
        LEFT JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_array(start_ms, end_ms) ORDER BY position) AS intervals
                FROM paid_intervals WHERE call_id = s.call_id
        ) AS i ON true
        ORDER BY s.call_id
"""

EXPERT_PAID: Final = """
    SELECT t.id, t.call_id, c.owner AS paid_to, s.expert_id
        FROM transfers t
        JOIN ledger_accounts c ON c.id = t.credit_id
        LEFT JOIN charging_sessions s ON s.session_id = t.call_id
        WHERE t.reason = 'share-expert' AND c.owner IS DISTINCT FROM s.expert_id
        ORDER BY t.position
"""

SPENDINGS: Final = """
    SELECT p.scope, p.owner, p.period, p.began_on, p.posted, p.pending,
            coalesce(m.posted, 0)::bigint AS posted_by_calls,
            coalesce(m.pending, 0)::bigint AS pending_by_calls
        FROM spendings p
        LEFT JOIN (
            SELECT l ->> 'scope' AS scope, l ->> 'owner' AS owner,
                    l ->> 'period' AS period, l ->> 'began_on' AS began_on,
                    sum(coalesce(n.charge, b.charge) - coalesce(r.amount, 0)) AS posted,
                    sum(g.amount) FILTER (WHERE s.state = 'granted') AS pending
                FROM charging_sessions s
                CROSS JOIN LATERAL jsonb_array_elements(s.limits) AS l
                LEFT JOIN settlements n ON n.call_id = s.session_id
                LEFT JOIN LATERAL (
                    SELECT sum(charge) AS charge FROM closed_segments
                        WHERE session_id = s.session_id AND s.segment > 0
                ) AS b ON true
                LEFT JOIN LATERAL (
                    SELECT sum(amount) AS amount FROM refunds WHERE call_id = s.session_id
                ) AS r ON true
                LEFT JOIN LATERAL (
                    SELECT sum(amount) AS amount FROM grants
                        WHERE session_id = s.session_id AND segment = s.segment
                ) AS g ON true
                GROUP BY 1, 2, 3, 4
        ) AS m USING (scope, owner, period, began_on)
        WHERE (p.posted, p.pending)
            IS DISTINCT FROM (coalesce(m.posted, 0)::bigint, coalesce(m.pending, 0)::bigint)
        ORDER BY 1, 2, 3, 4
"""

RESERVATIONS: Final = """
    SELECT r.id, r.expert_id, r.call_id FROM reservations r
        LEFT JOIN calls c ON c.id = r.call_id AND c.ended_at IS NULL
        WHERE r.released_at IS NULL AND c.id IS NULL ORDER BY r.id
"""

VOUCHERS: Final = """
    SELECT coalesce(v.wallet_id, m.wallet_id) AS wallet_id,
            coalesce(v.currency, m.currency) AS currency,
            coalesce(v.amount, 0)::bigint AS redeemed, coalesce(m.amount, 0)::bigint AS credited
        FROM (
            SELECT a.wallet_id, b.currency, sum(b.amount) AS amount
                FROM vouchers v
                JOIN voucher_batches b ON b.id = v.batch_id
                JOIN caller_accounts a ON a.id = v.redeemed_by
                GROUP BY 1, 2
        ) AS v
        FULL JOIN (
            SELECT t.credit_id AS wallet_id, t.currency, sum(t.amount) AS amount
                FROM transfers t JOIN ledger_accounts d ON d.id = t.debit_id
                WHERE d.kind = 'vouchers-issued' AND t.kind = 'single'
                GROUP BY 1, 2
        ) AS m ON m.wallet_id = v.wallet_id AND m.currency = v.currency
        WHERE coalesce(v.amount, 0) <> coalesce(m.amount, 0)
        ORDER BY 1, 2
"""

PREMIUM_PARTS: Final = """
    SELECT n.call_id, n.currency, n.outpayment, n.expert, n.platform,
            coalesce(m.outpayment, 0)::bigint AS outpayment_moved,
            coalesce(m.expert, 0)::bigint AS expert_moved,
            coalesce(m.platform, 0)::bigint AS platform_moved
        FROM premium_settlements n
        LEFT JOIN (
            SELECT t.call_id,
                    sum(t.amount) FILTER (
                        WHERE t.reason = 'expected-outpayment' AND d.kind = 'carrier-expected')
                        AS outpayment,
                    sum(t.amount) FILTER (
                        WHERE t.reason = 'expected-expert' AND c.kind = 'expert-expected'
                            AND c.owner = s.expert_id) AS expert,
                    sum(t.amount) FILTER (
                        WHERE t.reason = 'expected-platform' AND c.kind = 'platform-expected')
                        AS platform
                FROM transfers t
                JOIN ledger_accounts d ON d.id = t.debit_id
                JOIN ledger_accounts c ON c.id = t.credit_id
                JOIN premium_sessions s ON s.session_id = t.call_id
                GROUP BY t.call_id
        ) AS m ON m.call_id = n.call_id
        WHERE (n.outpayment, n.expert, n.platform)
            IS DISTINCT FROM (coalesce(m.outpayment, 0)::bigint, coalesce(m.expert, 0)::bigint,
                coalesce(m.platform, 0)::bigint)
        ORDER BY n.call_id
"""

PREMIUM_RATED: Final = """
    SELECT s.session_id AS call_id, s.terms, s.share, n.carrier, n.answered_ms, n.released_ms,
            n.metered_seconds, n.retail, n.outpayment, n.expert, n.platform,
            EXISTS (SELECT 1 FROM paid_intervals i WHERE i.call_id = s.session_id) AS talked
        FROM premium_sessions s JOIN premium_settlements n ON n.call_id = s.session_id
        ORDER BY s.session_id
"""

PREMIUM_SETTLED: Final = """
    SELECT coalesce(s.session_id, n.call_id) AS call_id, s.state,
            n.call_id IS NOT NULL AS settled, c.ended_at IS NOT NULL AS ended
        FROM premium_sessions s
        FULL JOIN premium_settlements n ON n.call_id = s.session_id
        LEFT JOIN calls c ON c.id = coalesce(s.session_id, n.call_id)
        WHERE (s.state IS NOT DISTINCT FROM 'settled') <> (n.call_id IS NOT NULL)
            OR (c.ended_at IS NOT NULL) <> (n.call_id IS NOT NULL)
        ORDER BY 1
"""

PREMIUM_SPENDINGS: Final = """
    SELECT p.caller_number, p.period, p.began_on, p.currency, p.posted, p.pending,
            coalesce(m.posted, 0)::bigint AS posted_by_calls,
            coalesce(m.pending, 0)::bigint AS pending_by_calls
        FROM premium_spendings p
        LEFT JOIN (
            SELECT s.caller_number, l ->> 'period' AS period, l ->> 'began_on' AS began_on,
                    s.terms ->> 'currency' AS currency, sum(n.retail) AS posted,
                    sum(s.held) FILTER (WHERE s.state = 'opened') AS pending
                FROM premium_sessions s
                CROSS JOIN LATERAL jsonb_array_elements(s.limits) AS l
                LEFT JOIN premium_settlements n ON n.call_id = s.session_id
                WHERE s.caller_number IS NOT NULL
                GROUP BY 1, 2, 3, 4
        ) AS m USING (caller_number, period, began_on, currency)
        WHERE (p.posted, p.pending)
            IS DISTINCT FROM (coalesce(m.posted, 0)::bigint, coalesce(m.pending, 0)::bigint)
        ORDER BY 1, 2, 3
"""

DISPUTES: Final = """
    WITH ends AS (
        SELECT t.call_id, t.credit_id AS account_id, t.amount, t.reason FROM transfers t
            WHERE t.kind IN ('single', 'post') AND t.call_id IS NOT NULL
        UNION ALL
        SELECT t.call_id, t.debit_id, -t.amount, t.reason FROM transfers t
            WHERE t.kind IN ('single', 'post') AND t.call_id IS NOT NULL
    ), moved AS (
        SELECT e.call_id, a.currency, sum(e.amount) AS amount
            FROM ends e JOIN ledger_accounts a ON a.id = e.account_id
            WHERE e.reason = 'dispute-upheld'
                AND a.kind IN ('wallet', 'carrier-expected', 'carrier-due')
            GROUP BY 1, 2
    ), behind AS (
        SELECT call_id, sum(abs(amount)) AS amount FROM (
            SELECT e.call_id, e.account_id, sum(e.amount) AS amount
                FROM ends e JOIN ledger_accounts a ON a.id = e.account_id
                WHERE a.kind <> 'clearing'
                    AND e.call_id IN (SELECT call_id FROM disputes WHERE state = 'upheld')
                GROUP BY 1, 2
        ) AS accounts GROUP BY 1
    )
    SELECT coalesce(d.call_id, m.call_id) AS call_id, coalesce(d.currency, m.currency) AS currency,
            coalesce(d.returned, 0) AS returned, coalesce(m.amount, 0)::bigint AS moved,
            coalesce(b.amount, 0)::bigint AS left_over
        FROM (SELECT * FROM disputes WHERE state = 'upheld') AS d
        FULL JOIN moved m ON m.call_id = d.call_id
        LEFT JOIN behind b ON b.call_id = d.call_id
        WHERE coalesce(d.returned, 0) <> coalesce(m.amount, 0) OR coalesce(b.amount, 0) <> 0
        ORDER BY 1
"""

REFUND_PARTS: Final = """
    WITH ends AS (
        SELECT t.call_id, t.credit_id AS account_id, t.amount FROM transfers t
            WHERE t.reason IN ('refund', 'dispute-upheld')
        UNION ALL
        SELECT t.call_id, t.debit_id, -t.amount FROM transfers t
            WHERE t.reason IN ('refund', 'dispute-upheld')
    ), moved AS (
        SELECT e.call_id, a.currency,
                coalesce(sum(e.amount) FILTER (
                    WHERE a.kind IN ('wallet', 'carrier-expected', 'carrier-due')), 0)::bigint
                    AS amount,
                coalesce(-sum(e.amount) FILTER (WHERE a.kind = 'tax'), 0)::bigint AS tax,
                coalesce(-sum(e.amount) FILTER (
                    WHERE a.kind IN ('expert-payable', 'expert-expected')), 0)::bigint AS expert,
                coalesce(-sum(e.amount) FILTER (
                    WHERE a.kind IN ('platform-revenue', 'platform-expected')), 0)::bigint
                    AS platform
            FROM ends e JOIN ledger_accounts a ON a.id = e.account_id
            GROUP BY 1, 2
    ), kept AS (
        SELECT call_id, currency, sum(amount)::bigint AS amount, sum(tax)::bigint AS tax,
                sum(expert)::bigint AS expert, sum(platform)::bigint AS platform
            FROM refunds GROUP BY 1, 2
    )
    SELECT call_id, currency,
            coalesce(k.amount, 0) AS amount, coalesce(m.amount, 0) AS amount_moved,
            coalesce(k.tax, 0) AS tax, coalesce(m.tax, 0) AS tax_moved,
            coalesce(k.expert, 0) AS expert, coalesce(m.expert, 0) AS expert_moved,
            coalesce(k.platform, 0) AS platform, coalesce(m.platform, 0) AS platform_moved
        FROM kept k FULL JOIN moved m USING (call_id, currency)
        WHERE (coalesce(k.amount, 0), coalesce(k.tax, 0), coalesce(k.expert, 0),
                coalesce(k.platform, 0))
            <> (coalesce(m.amount, 0), coalesce(m.tax, 0), coalesce(m.expert, 0),
                coalesce(m.platform, 0))
        ORDER BY 1, 2
"""

REFUNDS_BOUNDED: Final = """
    SELECT s.call_id, s.currency, s.charge, s.expert, r.amount, r.expert_gave
        FROM settlements s
        JOIN (
            SELECT call_id, sum(amount)::bigint AS amount, sum(expert)::bigint AS expert_gave
                FROM refunds GROUP BY call_id
        ) AS r ON r.call_id = s.call_id
        LEFT JOIN premium_settlements p ON p.call_id = s.call_id
        WHERE p.call_id IS NULL AND (r.amount > s.charge OR r.expert_gave > s.expert)
        ORDER BY 1
"""

ADJUSTMENTS: Final = """
    SELECT a.id, t.id AS transfer_id, coalesce(a.currency, t.currency) AS currency, a.amount,
            CASE WHEN t.credit_id = o.id THEN t.amount WHEN t.debit_id = o.id THEN -t.amount END
                AS moved
        FROM adjustments a
        FULL JOIN (
            SELECT * FROM transfers WHERE reason IN ('adjustment', 'paid-back')
        ) AS t ON t.id = a.transfer_id
        LEFT JOIN ledger_accounts o ON o.id = a.account_id
        LEFT JOIN ledger_accounts c ON c.id = CASE t.credit_id WHEN o.id THEN t.debit_id
            ELSE t.credit_id END
        WHERE a.id IS NULL OR t.id IS NULL OR t.kind <> 'single' OR t.reason <> a.kind
            OR a.amount IS DISTINCT FROM CASE WHEN t.credit_id = o.id THEN t.amount
                WHEN t.debit_id = o.id THEN -t.amount END
            OR c.kind IS DISTINCT FROM
                CASE a.kind WHEN 'paid-back' THEN 'cash' ELSE 'goodwill' END
        ORDER BY 1, 2
"""

PAID_BACK: Final = """
    SELECT w.id AS wallet_id, w.currency, -sum(a.amount)::bigint AS paid_back,
            (SELECT coalesce(sum(t.amount), 0)::bigint FROM transfers t
                JOIN ledger_accounts c ON c.id = t.debit_id
                WHERE t.credit_id = w.id AND t.kind = 'single' AND c.kind = 'cash') AS paid_in
        FROM adjustments a JOIN ledger_accounts w ON w.id = a.account_id
        WHERE a.kind = 'paid-back'
        GROUP BY w.id, w.currency
        HAVING -sum(a.amount) > (SELECT coalesce(sum(t.amount), 0) FROM transfers t
                JOIN ledger_accounts c ON c.id = t.debit_id
                WHERE t.credit_id = w.id AND t.kind = 'single' AND c.kind = 'cash')
        ORDER BY 1
"""
