"""Tables of the planted errors, English and Chinese: units, names of one kind, opposites."""

from __future__ import annotations

__all__ = ["CHINESE_NAMES", "CHINESE_OPPOSITES", "CHINESE_UNITS", "ENGLISH_NAMES", "ENGLISH_UNITS"]

#: unit -> another of the same kind and about the same length, never equal to it
ENGLISH_UNITS = {
    "km/h": "m/s", "m/s": "km/h", "mph": "km/h", "km": "cm", "cm": "mm", "mm": "cm", "kg": "mg", "mg": "kg",
    "°C": "°F", "°F": "°C", "GB": "MB", "MB": "GB", "KB": "MB", "TB": "GB", "ml": "cl", "mL": "cL",
    "hours": "minutes", "hour": "minute", "minutes": "hours", "minute": "hour", "seconds": "minutes", "days": "weeks",
    "weeks": "months", "months": "years", "years": "months", "metres": "feet", "meters": "feet", "kilometres": "metres",
    "kilometers": "meters", "miles": "metres", "feet": "inches", "inches": "feet", "grams": "ounces",
    "kilograms": "grams", "pounds": "ounces", "ounces": "pounds", "litres": "gallons", "liters": "gallons",
    "gallons": "pints", "million": "billion", "billion": "million", "thousand": "million", "dollars": "cents",
    "cents": "dollars", "euros": "cents", "degrees": "radians", "percent": "permille", "watts": "volts",
    "volts": "watts", "bytes": "bits", "bits": "bytes", "acres": "hectares", "tonnes": "pounds", "tons": "pounds",
}  # fmt: skip
CHINESE_UNITS = {
    "平方公里": "平方米", "平方千米": "平方米", "平方米": "平方公里", "立方米": "立方厘米", "公里": "英里",
    "千米": "厘米", "厘米": "毫米", "毫米": "厘米", "公斤": "克", "千克": "克", "毫克": "克", "毫升": "升",
    "小时": "分钟", "分钟": "小时", "摄氏度": "华氏度", "万亿": "亿", "米": "公里", "克": "公斤",
    "吨": "克", "升": "毫升", "亿": "万", "万": "亿",
    "天": "周", "英里": "米", "倍": "成",
}  # fmt: skip

#: names of one kind, any of which is wrong where another is right
ENGLISH_NAMES: tuple[tuple[str, ...], ...] = (
    (
        "France", "Germany", "Italy", "Spain", "Portugal", "Poland", "Austria", "Switzerland", "Belgium", "Norway",
        "Sweden", "Denmark", "Finland", "Greece", "Turkey", "Egypt", "Kenya", "Nigeria", "Ethiopia", "Morocco",
        "Brazil", "Argentina", "Chile", "Peru", "Colombia", "Mexico", "Canada", "Australia", "Japan", "China",
        "India", "Indonesia", "Vietnam", "Thailand", "Russia", "Ukraine", "Hungary", "Ireland", "Iceland",
        "Netherlands", "Malaysia", "Singapore", "Pakistan", "Bangladesh", "Israel", "Iran", "Iraq",
    ),
    (
        "Paris", "Berlin", "Rome", "Madrid", "Lisbon", "Warsaw", "Vienna", "Brussels", "Oslo", "Stockholm",
        "Copenhagen", "Helsinki", "Athens", "Ankara", "Istanbul", "Cairo", "Nairobi", "Lagos", "Tokyo", "Beijing",
        "Shanghai", "Delhi", "Mumbai", "Jakarta", "Hanoi", "Bangkok", "Moscow", "Budapest", "Dublin", "London",
        "Manchester", "Chicago", "Boston", "Seattle", "Houston", "Denver", "Miami", "Toronto", "Sydney", "Melbourne",
        "New York", "Los Angeles", "San Francisco", "Barcelona", "Munich", "Hamburg", "Milan", "Venice", "Prague",
    ),
    ("Mercury", "Venus", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune"),
    ("Africa", "Asia", "Europe", "North America", "South America", "Antarctica"),
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    (
        "January", "February", "April", "June", "July", "August", "September", "October", "November", "December",
    ),
    (
        "Einstein", "Newton", "Galileo", "Darwin", "Curie", "Faraday", "Maxwell", "Bohr", "Planck", "Kepler",
        "Copernicus", "Pasteur", "Mendel", "Fermi", "Feynman", "Heisenberg", "Euler", "Gauss", "Archimedes", "Euclid",
    ),
    (
        "Shakespeare", "Dickens", "Austen", "Tolstoy", "Dostoevsky", "Hemingway", "Orwell", "Goethe", "Cervantes",
        "Homer", "Dante", "Kafka", "Twain", "Melville", "Milton", "Chaucer",
    ),
    ("Mozart", "Beethoven", "Bach", "Chopin", "Vivaldi", "Haydn", "Brahms", "Wagner", "Verdi", "Handel"),
    ("Plato", "Aristotle", "Socrates", "Kant", "Descartes", "Hume", "Hegel", "Nietzsche", "Spinoza", "Locke"),
    ("Picasso", "Rembrandt", "Monet", "Michelangelo", "Raphael", "Cézanne", "Vermeer", "Matisse", "Goya", "Manet"),
    (
        "French", "German", "Italian", "Spanish", "Portuguese", "Polish", "Dutch", "Swedish", "Danish", "Finnish",
        "Greek", "Turkish", "Arabic", "Japanese", "Russian", "Hungarian", "Norwegian", "Korean", "Hindi",
    ),
    ("Google", "Microsoft", "Amazon", "Facebook", "Netflix", "Intel", "Nvidia", "Oracle", "Samsung", "Toyota", "Sony"),
    ("Python", "Java", "JavaScript", "Ruby", "Rust", "Haskell", "Kotlin", "Swift", "Fortran", "Perl"),
    ("hydrogen", "helium", "oxygen", "nitrogen", "carbon", "sodium", "chlorine", "sulfur", "potassium", "calcium"),
    ("copper", "silver", "zinc", "tin", "nickel", "platinum", "mercury", "aluminium", "tungsten"),
)  # fmt: skip
CHINESE_NAMES: tuple[tuple[str, ...], ...] = (
    (
        "法国", "德国", "英国", "美国", "日本", "韩国", "印度", "巴西", "埃及", "希腊", "瑞典", "挪威", "泰国", "越南",
        "意大利", "西班牙", "俄罗斯", "加拿大", "墨西哥", "阿根廷", "土耳其", "葡萄牙", "澳大利亚",
    ),
    (
        "北京", "上海", "广州", "南京", "杭州", "成都", "西安", "武汉", "天津", "重庆", "苏州", "东京", "首尔", "巴黎",
        "伦敦", "柏林", "罗马", "纽约", "莫斯科", "马德里", "华盛顿", "洛杉矶",
    ),
    ("秦朝", "汉朝", "隋朝", "唐朝", "宋朝", "元朝", "明朝", "清朝"),
    ("水星", "金星", "火星", "木星", "土星", "天王星", "海王星"),
    ("李白", "杜甫", "苏轼", "白居易", "王维", "李清照", "陶渊明"),
    ("长江", "黄河", "珠江", "淮河", "松花江"),
    ("氢", "氦", "氧气", "氮气", "氢气", "二氧化碳"),
    ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六"),
    ("爱因斯坦", "牛顿", "伽利略", "达尔文", "居里夫人", "法拉第", "麦克斯韦"),
)  # fmt: skip

_PAIRS = (
    "增加 减少|上升 下降|提高 降低|高于 低于|大于 小于|多于 少于|优点 缺点|优势 劣势|最大 最小|最高 最低|最多 最少|"
    "最长 最短|之前 之后|正确 错误|容易 困难|快速 缓慢|积极 消极|直接 间接|主动 被动|内部 外部|相同 不同|简单 复杂|"
    "安全 危险|有利 不利|促进 抑制|扩大 缩小|上游 下游|北部 南部|东部 西部|较高 较低|较大 较小|大部分 小部分|古代 现代|"
    "早期 晚期|必要 多余|成功 失败|重要 次要|增强 减弱|变暖 变冷|膨胀 收缩|吸收 释放|进口 出口|买入 卖出|乐观 悲观"
)
#: word -> its opposite, both ways
CHINESE_OPPOSITES = {
    a: b for pair in _PAIRS.split("|") for one, two in [pair.split()] for a, b in ((one, two), (two, one))
}
