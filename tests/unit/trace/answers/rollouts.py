"""What SmolLM2-135M-Instruct wrote to twelve problems of GSM8K at temperature .7, the ends of it.

Each with the answer that it gives (mostly a wrong one), the form in which it gives it, and whether it ended its turn
within 260 tokens.
"""

ROLLOUTS = [
    (
        "The total earnings of Janet’s ducks are the total number of eggs multiplied by the number of "
        "muffins she lays each day, which is 16 x 960 = 14,360.\n"
        "\n"
        "The total number of dollars she makes from selling her eggs and muffins is 14,360 - 14,360",
        "14360",
        "number",
        False,
    ),
    (
        "A robe consists of two bolts of blue fiber and half of a bolt of white fiber. This can be "
        "calculated as 2 bolts * 1 bolt/block = 2 bolts * 2 bolts/block = 4 bolts.\n"
        "\n"
        "So, the answer is 4.",
        "4",
        "said",
        True,
    ),
    (
        "The initial value is 80,000, and the updated value is 50,000.\n"
        "\n"
        "The profit is 150% of the original value, which means 150% of the original value is 150 * 50 = "
        "750,000.\n"
        "\n"
        "The profit is 750,000 - 80,000 = 750,000.\n"
        "\n"
        "So, Josh made a profit of 750,000 - 80,000 = 30,000.\n"
        "\n"
        "This is the return on investment (ROI) for Josh.",
        "30000",
        "number",
        True,
    ),
    (
        "We can do this by multiplying the number of meters he runs in a week by the total number of "
        "sprints he runs in a week.\n"
        "180 meters * 3 sprints = 540 meters.\n"
        "Therefore, James runs 180 meters every week.\n"
        "#### 180\n"
        "The answer is: 180",
        "180",
        "said",
        True,
    ),
    (
        "The total amount given by the three meals is 15 * 2 = 30 * 3 = 95 cups of feed.\n"
        "The amount of feed needed to feed 20 chickens is 10 * 20 = 200 cups of feed.\n"
        "Therefore, the total amount of feed given by Wendi to her chickens is 100 * 20 = 200 cups of "
        "feed.\n"
        "#### 2\n"
        "The answer is: 2",
        "2",
        "said",
        True,
    ),
    (
        "To solve this equation, we need to find the least common multiple of 16 and 16, which is 12. "
        "This is because 12 is a multiple of 16, and we can't have a fraction with a fraction of a "
        "denominator.\n"
        "\n"
        "So, we can write 16 * 5 = 72 as 72, which is the solution.\n"
        "\n"
        "The answer is 72.",
        "72",
        "said",
        True,
    ),
    (
        "In Toulouse, there are 4 times as many sheep as Charleston, so the total number of sheep in "
        "Toulouse is 4 * 20 = 80.\n"
        "\n"
        "The total number of sheep in Seattle is 80 + 320 = 360, and the total number of sheep in "
        "Toulouse is 360 - 320 = ",
        "320",
        "number",
        False,
    ),
    (
        "4 * 100 = 400 * 100 = 40,000 = 4 * 10,000 = 400 * 10 = 40000.\n"
        "\n"
        "This is the total load time, and it's the same as the number of times the file needs to be "
        "downloaded, which is 400 times 2.\n"
        "\n"
        "Therefore, the load time is 400 times 2, which is 800.\n"
        "\n"
        "So, the load time is 800.",
        "800",
        "said",
        True,
    ),
    (
        "Time = Distance / Speed = 292.4 miles\n"
        "\n"
        "John spent 2 hours at 30 mph and traveled 4.8 hours at 80 mph.\n"
        "\n"
        "To find the distance, we can use the formula for the time-to-distance ratio:\n"
        "\n"
        "Time = (Distance / Speed) = 292.4 miles / 60 mph = 4.8 hours\n"
        "\n"
        "The answer is 4.8 hours.",
        "4.8",
        "said",
        True,
    ),
    (
        "- Extra pay: $12 (extra pay) + 45 hours = 50 extra hours = 50 * $12 = $600.\n"
        "- Extra hours worked: 50 extra hours * 4 hours = 200 extra hours = 200 * 4 = 800.\n"
        "\n"
        "So, the total earnings for both extra pay and extra hours worked are $4800 - $600 = $4080.\n"
        "\n"
        "Therefore, Eliza's earnings for",
        "4080",
        "number",
        False,
    ),
    (
        "Then, in the third month, 30% of those 90 downloads were reduced to 3 x 3 = 9 downloads.\n"
        "So, the program had 90 - 90 - 30 = 90 downloads in the first month and 90 in the second month.\n"
        "The program also had 90 + 90 - 30 = 90 total downloads, which is 100 downloads in the third "
        "month.\n"
        "#### 1\n"
        "The program has 100 total downloads.",
        "1",
        "said",
        True,
    ),
    (
        "First, we can calculate the total cost of the donuts, which is 3 dozen donuts * $68 per donut "
        "= $224. Then, we multiply this by the price of each donut: 2 dozen donuts * $68 per donut = "
        "$144.\n"
        "\n"
        "Now, we can calculate the total cost of the donuts: 2 dozen donuts * $224 = $448.\n"
        "\n"
        "So, the total cost of the donuts is $448.",
        "448",
        "number",
        True,
    ),
]
