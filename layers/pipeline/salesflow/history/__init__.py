"""What is known of past days, kept on S3 so that the API is asked only for the days it has not told yet.

    history/sales/month=2026-11/lines.parquet    one row a sale line (`history.lines`; needs pyarrow)
    history/daily/month=2026-11/daily.csv.gz     one row a day and SKU, the daily panel (`history.panel`; pandas alone)
    history/shop/month=2026-11/shop.csv.gz       one row a day for the whole shop, and returns.csv.gz (`history.shop_days`; pandas alone)
    history/stock/2026-11-22.csv.gz              the stock at the close of a day (`history.stock`)
    history/out-of-stock.csv.gz                  when products were out of stock, by all of these (`analytics.stockouts`)
    history/coverage/{sales,daily,shop}.json     which days the parts above cover, and by which versions of their files (`history.coverage`)
    history/set-aside.json                       records that could not be used (`history.set_aside`)
    history/reported-days.json                   what reports said of each day (`history.reported`)

Each says what it was written under: currency and digits, zone, end of the day, form (`history.terms`). Business dates are those of the
shop, which may end after midnight.

Every object is written whole by one conditional PUT, so a reader sees a month before or after an update, never between.
"""
