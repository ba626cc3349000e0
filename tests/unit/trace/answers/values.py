"""Values that mean the same, by kind: the normal form, and ways to write it. What is in two groups differs."""

GROUPS = {
    "unit": [
        ("2", [r"2\,m", "2 m", "2m", r"2\text{ m}", r"2\ \mathrm{m}", r"2\;\text{meters}", "2 km/h", r"2\,\text{m}/\text{s}"]),
        ("12", [r"12\text{ cm}^2", "12 cm^2", "12 m²", "12 square units", r"12 \,\mathrm{cm}^{2}", "12 apples", r"12~\text{cm}"]),
        ("30", [r"30^\circ", "30°", r"30^{\circ}", "30 degrees", r"30\degree", r"30^{\circ}\text{C}"]),
        ("50", ["50%", r"50\%", "50 percent", "50 %", r"50\,\%"]),
    ],
    "currency": [
        ("18", [r"\$18", "$18", r"18 \text{ dollars}", "18 dollars", "18.00", r"\$18.00", "USD 18", "18 €", r"\text{\$}18"]),
        ("-5", ["-$5", r"-\$5", "-5", "−5", "–5", "minus 5", "- 5"]),
    ],
    "separator": [
        ("9500", ["9{,}500", "9,500", "9500", r"9\,500", "9 500", "9\u202f500", "9'500", r"9,\!500", "9500.0"]),
        ("1234.56", ["1.234,56", "1,234.56", "1 234,56", "1'234.56"]),
        ("1234567", ["12,34,567", "1,234,567", "1.234.567"]),
    ],
    "fraction": [
        ("0.75", [r"\frac{3}{4}", r"\dfrac34", "3/4", "0.75", r"\frac{6}{8}", "three quarters", ".75", "¾", r"\frac{0.75}{1}"]),
        ("1.5", [r"1\frac{1}{2}", "1 1/2", "3/2", "1.5", "one and a half", r"1\tfrac12", "1½"]),
        ("-0.5", [r"-\frac{1}{2}", r"\frac{-1}{2}", "-0.5", "-1/2", r"-\dfrac{1}{2}"]),
        ("1/3", [r"\frac13", "1/3", r"0.\overline{3}", "2/6"]),
    ],
    "exponent": [("300000", [r"3 \times 10^5", "300000", "3e5", "300,000", "3·10⁵", r"3\cdot10^{5}"])],
    "equation": [("5", ["x = 5", "5", "x=5", r"x=5\text{ cm}", r"\text{Answer} = 5", "f(x) = 5", r"x \approx 5"])],
    "markup": [
        ("5", ["(5)", "{5}", r"\mathbf{5}", r"\text{5}", r"\boxed{5}", "**5**", "$5$", r"\(5\)", "5.", "five", r"\displaystyle 5"]),
    ],
    "letter": [
        ("B", ["(B)", "B", r"\text{(B)}", r"\textbf{(B)}", r"\textbf{(B)}\ 15", r"\text{B}", "B.", "**B**", "B) foo", r"\mathrm{B}"]),
    ],
    "words": [
        ("red", [r"\text{red}", "red", "Red", "RED", "the red", r"\textit{red}"]),
        ("yes", ["yes", "Yes", "YES.", r"\text{Yes}"]),
        ("new york", ["New York", "new york", r"\text{New York}"]),
    ],
    "pair": [
        ("(1, 2)", ["(1, 2)", "(1,2)", r"\left(1, 2\right)", "( 1 , 2 )", "$(1,2)$", r"\left( 1,\, 2 \right)"]),
        ("(2, 1)", ["(2, 1)", "(2,1)"]),
        ("(0.5, -1)", [r"(\frac12, -1)", "(0.5,-1)"]),
        ("(100, 200)", ["(100,200)", "(100, 200)"]),
    ],
    "set": [
        (r"\{1, 2\}", [r"\{1, 2\}", r"\{2,1\}", "{1, 2}", r"\left\{1,2\right\}", r"\{ 1,\,2 \}"]),
        ("1, 2", ["1, 2", "2,1", r"1 \text{ and } 2", "1 and 2", "1 or 2", "x = 1 or x = 2", "x=1, x=2", "1; 2"]),
        ("1, 2, 3", ["1, 2, and 3", "1,2,3", "3, 2 and 1"]),
        ("1234, 5678", ["1,234 and 5,678", "5678, 1234"]),
    ],
    "interval": [
        ("[1, 2)", ["[1, 2)", "[1,2)", r"\left[1,2\right)", r"x \in [1,2)"]),
        (r"(-\infty, 3]", [r"(-\infty, 3]", r"(-\infty,3]", r"\left(-\infty, 3\right]"]),
        ("10-12", ["10–12", "10-12", "10 - 12"]),
    ],
    "matrix": [
        (
            r"\begin{matrix}1 & 2 \\ 3 & 4\end{matrix}",
            [r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}"],
        ),
        (r"\begin{matrix}1 \\ 0.5\end{matrix}", [r"\begin{pmatrix}1\\\frac12\end{pmatrix}", r"\begin{array}{c}1\\0.5\end{array}"]),
    ],
    "formula": [
        (r"\frac{\sqrt{2}}{2}", [r"\frac{\sqrt{2}}{2}", r"\frac1{\sqrt2}", "sqrt(2)/2", r"\sqrt2/2", "√2/2", r"\dfrac{\sqrt 2}{2}"]),
        (r"2\sqrt{3}", [r"\sqrt{12}", r"2\sqrt3", r"2 \sqrt{3}"]),
        ("x^{2}+2x+1", ["x^2+2x+1", "(x+1)^2", "1 + 2x + x^2", "y = x^2+2x+1"]),
        ("2x+3", ["2x+3", "3+2x", "2x + 3", "3 + 2 x"]),
        (r"\frac{\pi}{4}", [r"\frac{\pi}{4}", r"\pi/4", "pi/4", "π/4", r"\frac14\pi"]),
        (r"\pm2", [r"\pm 2", r"\pm2"]),
        ("7", ["3+4", "7", r"\sqrt{49}"]),
    ],
    "kept": [("3:30", ["3:30", "3:30."]), ("1011_2", ["1011_2"]), ("10!", ["10!"]), ("2A", ["2A"]), ("", ["", " "])],
}  # fmt: skip

DIFFERENT = [
    ("(1, 2)", "(2, 1)"), ("(1, 2)", "[1, 2]"), ("[1, 2)", "(1, 2]"), ("2x", "2"), ("x", "X"), ("2a", "2A"), ("1/3", "0.333"),
    ("-5", "5"), ("1.234", "1,234"), ("50%", "0.5"), (r"\pm 2", "2"), (r"1 - \frac{1}{e}", r"1 + \frac{1}{e}"),
    ("12:00", "1:00"), (r"\sqrt{2}", "2"), (r"4\sqrt{2}", "4"), (r"2\pi", "2"), (r"\{1, 2\}", r"\{1, 3\}"), ("2 and 3", "3"),
    (r"\frac{2^{25}+1}{3}", r"\frac{1}{3}"), ("3x+4", "3x+5"), ("B", "b"), (r"1, 2, \ldots, n", r"1, 3, \ldots, 2n-1"),
    ("x^2+y^2=1", "x^2+y^2=2"), (r"\frac{1}{2^{99}}", r"\frac{1}{2^{98}}"), ("10!", "12!"), (r"\text{cat}", r"\text{dog}"),
    (r"\frac{1}{2004!}", r"\frac{1}{2006!}"), ("[0, 1]", "[0, 1.5]"), ("D = (0, 1)", "D = (0, 1.5)"), (r"\emptyset", "0"),
]  # fmt: skip
