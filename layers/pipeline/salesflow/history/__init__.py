"""What is known of past days, kept on S3 so that the API is asked only for the days it has not told yet.

    history/sales/month=2026-11/lines.parquet    one row a sale line (`history.lines`; needs pyarrow)
    history/daily/month=2026-11/daily.csv.gz     one row a day and SKU, the daily panel (`history.panel`; pandas alone)
    history/shop/month=2026-11/shop.csv.gz       one row a day for the whole shop, and returns.csv.gz (`history.shop_days`; pandas alone)
    history/stock/2026-11-22.csv.gz              the stock at the close of a day (`history.stock`)
    history/coverage/{sales,daily,shop}.json     which days the parts above cover

Every object is written whole by one conditional PUT, so a reader sees a month before or after an update, never between.
"""
