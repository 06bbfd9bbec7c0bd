"""What is said about unusual days, to whom, and how often: findings, their lives in the state table, digest and mail.

findings   what a detection found, one finding a subject and direction
lifecycle  opened, ongoing, worse, resolved: pure, from the state before a date to the state after it
book       the state of every date in the state table, by conditional writes
periods    the same judgement for weeks and four-week months
result     the file of a check, `anomalies/...json`
mail       the digest as a mail
"""
