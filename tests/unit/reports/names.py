"""Names of products as shops have them: of every script, long, and hostile."""

NAMES = (
    "Café crème moulu 250 g",
    "Thé vert à la menthe",
    "北京烤鸭酱（大瓶）",
    "龙井茶 特级 100克",
    "Гречневая крупа 800 г",
    "Сгущённое молоко",
    "Ελαιόλαδο εξαιρετικό παρθένο",
    "Jalapeño-Salsa, mild",
    "Żubrówka Ćwikła Łódź",
    "Smørrebrød rugbrød",
    "Mchele wa Mbeya 5 kg",
    "Makayabu ya kitoko",
    "Trà sen Tây Hồ",
    "抹茶ラテ スティック 12本",
    "Çay bardağı, 6'lı",
    "White hanging heart T-light holder",
    "Red apple \U0001f34e juice \U0001f9c3 1 l",
    "חלב טרי 3%",
    "تمر مجهول فاخر",
    "김치 라면 5개입",
)


RIGHT_TO_LEFT_AND_EMOJI_NAMES = (
    "تمر مجهول فاخر",
    "חלב טרי 3%",
    "حليب طازج 2 لتر",
    "Dates تمر 500 g",
    "Red apple \U0001f34e juice \U0001f9c3 1 l",
    "family \U0001f468\u200d\U0001f469\u200d\U0001f467 pack \u2764\ufe0f",
    "김치 라면 5개입",
    "नमकीन मिक्स 200 g",
)


LONG_NAME = "A product whose name is exactly one hundred characters long, as some shops write everything into it!"
HOSTILE_NAMES = (
    "=SUM(A1)",
    "+1+1",
    "-2+3",
    "@cmd",
    "<b>bold</b> & <script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %}",
    "Tab\tand\r\nnew line",
    "\u202eright-to-left override",
    '"quoted", with; separators',
    LONG_NAME,
    "https://example.com/?a=1&b=2",
    "\u0301\u0301combining first",
    "family \U0001f468\u200d\U0001f469\u200d\U0001f467 pack",
    "nul\x00 and bell\x07",
    "",
)
