import base64
import html.parser
import json
import math
import re

import cv2
import numpy as np
import pytest

from senm_jax.evaluation import drawings, report

COLUMNS = (
    report.Column("run", "run"),
    report.Column("error", "error", ".2f", 0),
    report.Column("gain", "gain", ".1f", math.inf),
    report.Column("n", "n", "d"),
)
ROWS = [
    {"run": "a|b <i>", "error": 0.123456, "gain": math.inf, "n": 3},
    {"run": "c", "error": -0.05, "gain": 3.0, "n": 4},
    {"run": "d", "error": math.nan, "gain": 2.0},
]


class _Reader(html.parser.HTMLParser):
    """Checks that tags close in order and gathers cells of tables."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def _read(page):
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)


@pytest.fixture
def sections(image):
    figure = report.Figure("<Crops>", ("one", "two"), [[report.picture(image, 2), "<b>x</b>"]])
    table = report.Table("Some & more", COLUMNS, ROWS)
    data = {"map": np.eye(2), "count": np.int64(3), "bad": [math.nan, -math.inf], "path": None}
    return [report.Section("First", ["Text with <tags> & signs."], [table], [figure], data),
            report.Section("Second")]


def test_three_files_appear_and_nothing_else(tmp_path, sections):
    written = report.write(tmp_path / "new" / "report.html", "A title", sections)
    assert [path.name for path in written] == ["report.html", "report.md", "report.json"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "report.html", "report.json", "report.md"
    ]
    report.write(written[0], "Another title", sections)
    assert "Another title" in written[0].read_text()
    with pytest.raises(ValueError, match="a path that ends in .html"):
        report.write(tmp_path / "report.txt", "A title", sections)


def test_the_page_is_well_formed_escaped_and_whole_in_itself(sections):
    page = report.to_html("A <title>", sections)
    reader = _read(page)
    text = "".join(reader.text)
    for expected in ("A <title>", "Text with <tags> & signs.", "Some & more", "<Crops>", "0.12",
                     "infinite", "error (0 is best)"):
        assert expected in text
    assert "http" not in page and "<script" not in page and "<link" not in page


def test_a_picture_holds_the_pixels_themselves(image):
    found = re.search(r'width="18" height="12" src="data:image/png;base64,([^"]+)"',
                      report.picture(image, 2))
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(found[1]), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decoded[..., ::-1], image)


def test_the_json_holds_values_unrounded_and_is_strict(sections):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    content = json.loads(report.to_json("T", sections), parse_constant=refuse)
    first = content["sections"][0]
    assert first["tables"][0]["rows"][0]["error"] == 0.123456
    assert first["tables"][0]["rows"][0]["gain"] == "inf"
    assert first["tables"][0]["columns"]["gain"] == "gain"
    assert first["data"] == {"map": [[1, 0], [0, 1]], "count": 3, "bad": ["nan", "-inf"],
                             "path": None}


def test_the_markdown_table_sets_the_best_in_bold_and_keeps_its_columns():
    lines = report.table_markdown(report.Table("", COLUMNS, ROWS)).splitlines()
    assert lines == [
        "| run | error (0 is best) | gain (higher is better) | n |",
        "| --- | ---: | ---: | ---: |",
        "| a/b <i> | 0.12 | **infinite** | 3 |",
        "| c | **-0.05** | 3.0 | 4 |",
        "| d |  | 2.0 |  |",
    ]


def test_nothing_is_best_among_equals():
    row = {"run": "a", "error": 0.1, "gain": 1.0, "n": 1}
    alone = report.table_markdown(report.Table("", COLUMNS, [row]))
    alike = report.table_markdown(report.Table("", COLUMNS, [row, row | {"error": 0.1001}]))
    assert "**" not in alone + alike


def test_a_residual_is_magnified_around_grey():
    noise = np.array([[[0.0, 0.01, -0.01]]])
    assert drawings.residual(noise, 10).tolist() == [[[128, 153, 102]]]
    assert drawings.magnification(np.array([-0.05, 0.05])) == 3
    assert drawings.magnification(np.zeros(4)) == 100


def test_the_centre_is_cut_from_the_middle_and_small_images_stay_whole(image):
    np.testing.assert_array_equal(drawings.centre(image, 4), image[1:5, 2:6])
    np.testing.assert_array_equal(drawings.centre(image, 8), image[:, 0:8])


def test_a_heat_map_colours_by_sign_and_tells_its_values():
    values = np.array([[0.0, 1.0, 0.25], [0.0, 1.0, 0.0], [-1.0, 0.0, -0.25]])
    drawn = drawings.heat_map(values)
    _read(drawn)
    cells = re.findall(r'fill="([^"]+)"><title>([^<]+)</title>', drawn)
    assert len(cells) == 9
    assert cells[0] == ("rgb(255,255,255)", "(-1, -1): 0.000")
    assert cells[1][0] == "rgb(255,0,0)" and cells[6][0] == "rgb(0,0,255)"
    assert cells[4][0] == "#888"
    assert cells[2][0] == "rgb(255,128,128)" and cells[8][0] == "rgb(128,128,255)"


def test_curves_stand_at_their_places_and_leave_out_what_is_not_finite():
    x, y = np.array([0.0, 0.5, 1.0]), np.array([0.0, np.nan, 4.0])
    drawn = drawings.lines([drawings.Line("R & real", "#c22", x, y)], "x", "y")
    assert "R & real" in "".join(_read(drawn).text)
    assert re.search(r'points="64.0,256.0 450.0,10.0"', drawn)
    empty = drawings.Line("none", "#000", x, np.full(3, np.nan))
    _read(drawings.lines([empty], "x", "y"))
