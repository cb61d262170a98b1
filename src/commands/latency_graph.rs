//! The picture of LATENCY GRAPH: a column for each spike, the latest to the right, its age below.

use crate::telemetry::latency::Event;

/// Columns that fit a terminal.
const COLUMNS_MAX: usize = 80;
/// Lines of the columns.
const HEIGHT: u64 = 4;

/// Draws the spikes of an event.
pub(super) fn graph(name: &str, event: &Event, now_s: u64) -> String {
    let skipped = event.samples.len().saturating_sub(COLUMNS_MAX);
    let samples: Vec<(u64, u64)> = event.samples.iter().skip(skipped).copied().collect();
    let high = samples.iter().map(|(_, worst_ms)| *worst_ms).max().unwrap_or(0);
    let low = samples.iter().map(|(_, worst_ms)| *worst_ms).min().unwrap_or(0);
    let mut picture = format!(
        "{name} - high {high} ms, low {low} ms (all time high {} ms)\n{}\n",
        event.max_ms,
        "-".repeat(COLUMNS_MAX)
    );
    for level in (1..=HEIGHT).rev() {
        let line = samples.iter().map(|(_, worst_ms)| {
            let height = height(*worst_ms, (low, high));
            match height.cmp(&level) {
                std::cmp::Ordering::Less => ' ',
                std::cmp::Ordering::Equal => '#',
                std::cmp::Ordering::Greater => '|',
            }
        });
        push_line(&mut picture, line);
    }
    picture.push('\n');
    let ages: Vec<Vec<char>> = samples
        .iter()
        .map(|(time_s, _)| age(now_s.saturating_sub(*time_s)).chars().collect())
        .collect();
    let lines = ages.iter().map(Vec::len).max().unwrap_or(0);
    for line in 0..lines {
        let letters = ages.iter().map(|age| age.get(line).copied().unwrap_or(' '));
        push_line(&mut picture, letters);
    }
    picture
}

fn push_line(picture: &mut String, line: impl Iterator<Item = char>) {
    let line: String = line.collect();
    picture.push_str(line.trim_end());
    picture.push('\n');
}

/// From 1 for the lowest to `HEIGHT` for the highest.
fn height(worst_ms: u64, (low, high): (u64, u64)) -> u64 {
    if high == low {
        return HEIGHT;
    }
    1 + (worst_ms - low).saturating_mul(HEIGHT - 1) / (high - low)
}

/// A time in its largest unit.
fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::latency::LatencyMonitor;

    #[test]
    fn columns_stand_above_their_ages() {
        let mut monitor = LatencyMonitor::default();
        for (time_s, worst_ms) in [(100, 10), (3_000, 40), (3_650, 25)] {
            monitor.add("command", time_s, worst_ms);
        }
        let event = &monitor.events["command"];
        let picture = graph("command", event, 3_700);
        let expected = "command - high 40 ms, low 10 ms (all time high 40 ms)\n".to_owned()
            + &"-".repeat(80)
            + "\n #\n |\n |#\n#||\n\n115\n h10\n  ms\n";
        let expected = expected.replace("115\n h10\n  ms\n", "115\nh10\n ms\n");
        assert_eq!(picture, expected, "\n{picture}");
    }

    #[test]
    fn a_single_spike_and_too_many_are_drawn() {
        let mut monitor = LatencyMonitor::default();
        monitor.add("command", 1, 5);
        assert!(graph("command", &monitor.events["command"], 1).ends_with("#\n|\n|\n|\n\n0\ns\n"));
        for time_s in 2..200 {
            monitor.add("command", time_s, time_s);
        }
        let picture = graph("command", &monitor.events["command"], 200);
        assert!(picture.lines().all(|line| line.len() <= COLUMNS_MAX), "{picture}");
    }
}
