"""Unit tests of what computes: `python3 -m unittest discover loadtest/report`."""

import unittest

import figures
import report
import sections
from sections import tenth_of_memory


class Medians(unittest.TestCase):
    def test_median_ignores_what_is_missing(self):
        self.assertIsNone(figures.median([]))
        self.assertIsNone(figures.median([None]))
        self.assertEqual(figures.median([9, None, 1, 2]), 2)
        self.assertEqual(figures.median([4, 1, 2, 100]), 3)

    def test_ratio_to_nothing_is_none(self):
        self.assertEqual(figures.ratio(1, 4), 0.25)
        self.assertIsNone(figures.ratio(None, 4))
        self.assertIsNone(figures.ratio(1, 0))
        self.assertIsNone(figures.ratio(1, None))

    def test_steps_of_a_counter_with_a_gap(self):
        self.assertEqual(figures.steps([3, 5, None, 9, 9]), [None, 2, None, None, 0])

    def test_spread(self):
        self.assertEqual(figures.spread({"a": [2, None], "b": [8, 0]}), 4)
        self.assertEqual(figures.spread({"a": [None]}), 1)


class Tables(unittest.TestCase):
    def test_cells(self):
        shown = [figures.text(value) for value in (None, "a", 0, 1.234, 12.34, 1234.5, 7, 1234567)]
        self.assertEqual(shown, ["–", "a", "0", "1.23", "12.3", "1,234", "7", "1,234,567"])
        self.assertEqual(figures.text(1.5, unit_ratio=True), "1.50x")

    def test_markdown(self):
        table = figures.markdown_table(["server", "ratio"], [["a", None], ["b", 0.5]])
        self.assertEqual(table, "| server | ratio |\n| --- | ---: |\n| a | – |\n| b | 0.50x |")

    def test_rows_of_a_comparison(self):
        def target(name, throughput, ratio):
            metric = {"median": throughput, "ratio_to_first": ratio}
            return {"server": {"name": name},
                    "metrics": {"throughput": metric, "server_cpu_us_per_op": None,
                                "p99_us": {"median": 7.0, "ratio_to_first": 1.0}}}

        rows = figures.load_rows("GET", {"targets": [target("a", 100, 1), target("b", 50, 0.4)]})
        self.assertEqual(rows[0], ["GET", "a", 100, None, None, None, None, 7.0, None])
        self.assertEqual(rows[1][:4], ["GET", "b", 50, 0.4])
        plot = figures.load_plot("", "t", rows)
        self.assertEqual(plot["groups"], ["GET"])
        self.assertEqual(plot["panels"][0]["series"], {"a": [100], "b": [50]})


class Parsing(unittest.TestCase):
    def test_info(self):
        reply = "# Server\r\nredis_version:7.2.4\r\nport:6379\r\n\r\nratio:0.5\r\ntext:a:b\r\n"
        expected = {"redis_version": "7.2.4", "port": 6379, "ratio": 0.5, "text": "a:b"}
        self.assertEqual(figures.parse_info(reply), expected)

    def test_what_came_from_the_disk_between_two_infos(self):
        before = {"total_commands_processed": 100, "engine_disk_lookups": 7, "blocks_read": 5}
        after = {"total_commands_processed": 300, "engine_disk_lookups": 27, "blocks_read": 35}
        self.assertEqual(tenth_of_memory.from_disk(before, after), [10, 0.15])
        redis = [{"total_commands_processed": count} for count in (100, 300)]
        self.assertEqual(tenth_of_memory.from_disk(*redis), [None, None])

    def test_timeline_of_one_command(self):
        timeline = [
            {"at_seconds": 1.0, "commands": {}},
            {"at_seconds": 2.0, "commands": {"get": {"p99_us": 1500.0}, "set": {"p99_us": 1.0}}},
        ]
        self.assertEqual(figures.percentile_line(timeline, "get", "p99_us"), [[2.0], [1.5]])


class Options(unittest.TestCase):
    def test_quick_is_short_and_goes_elsewhere(self):
        quick, full = report.parse(["--quick"]), report.parse([])
        self.assertLess(quick.seconds * quick.rounds, full.seconds * full.rounds)
        self.assertNotEqual(quick.out, full.out)
        self.assertEqual(report.parse(["--quick", "--rounds", "7"]).rounds, 7)

    def test_sections_are_selected_by_name(self):
        for name in sections.ALL:
            self.assertEqual(report.parse(["--section", name]).section, [name])


if __name__ == "__main__":
    unittest.main()
