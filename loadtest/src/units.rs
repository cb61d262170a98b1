//! Values on the command line that are more than a number: durations, counts with a suffix,
//! size ranges, lists of CPUs.

use std::time::Duration;

use crate::error::{Failure, Result};
use crate::values::SizeRange;

/// `500ms`, `10s`, `10`, `2m`, `1h`; a bare number counts seconds.
pub(crate) fn parse_duration(text: &str) -> Result<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds_per_unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(Failure::new(format!("'{text}' is no duration such as 500ms, 10s or 2m"))),
    };
    digits
        .parse::<f64>()
        .ok()
        .and_then(|number| Duration::try_from_secs_f64(number * seconds_per_unit).ok())
        .ok_or_else(|| Failure::new(format!("'{text}' is no duration such as 500ms, 10s or 2m")))
}

/// `100000`, `100k`, `10m`, `1g`: thousands, millions, thousand millions.
pub(crate) fn parse_count(text: &str) -> Result<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" => Some(1),
        "k" => Some(1_000),
        "m" => Some(1_000_000),
        "g" => Some(1_000_000_000),
        _ => None,
    };
    let number = digits.parse::<u64>().ok();
    number
        .zip(factor)
        .and_then(|(number, factor)| number.checked_mul(factor))
        .filter(|&count| count > 0)
        .ok_or_else(|| Failure::new(format!("'{text}' is no count such as 5000, 100k or 10m")))
}

/// Redis's own default limit for a bulk string.
const VALUE_BYTES_MAX: usize = 512 << 20;

/// `100`, or `10-1000` for sizes spread evenly over a range.
pub(crate) fn parse_size_range(text: &str) -> Result<SizeRange> {
    let (min, max) = text.split_once('-').unwrap_or((text, text));
    min.parse::<usize>()
        .ok()
        .zip(max.parse::<usize>().ok())
        .filter(|&(min, max)| min <= max && max <= VALUE_BYTES_MAX)
        .map(|(min, max)| SizeRange { min, max })
        .ok_or_else(|| {
            Failure::new(format!(
                "'{text}' is no size in bytes such as 100 or 10-1000, up to 512 MB"
            ))
        })
}

/// `0`, `0,2`, `0-3`, `0-1,4`.
pub(crate) fn parse_cpus(text: &str) -> Result<Vec<usize>> {
    let wrong = || Failure::new(format!("'{text}' is no list of CPUs such as 0,2 or 0-3"));
    let mut cpus = Vec::new();
    for item in text.split(',') {
        let (first, last) = item.split_once('-').unwrap_or((item, item));
        let first: usize = first.trim().parse().map_err(|_| wrong())?;
        let last: usize = last.trim().parse().map_err(|_| wrong())?;
        // The kernel's own set holds 1024 CPUs.
        if first > last || last >= 1024 {
            return Err(wrong());
        }
        cpus.extend(first..=last);
    }
    Ok(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let millis = |text| parse_duration(text).ok().map(|duration| duration.as_millis());
        assert_eq!(millis("500ms"), Some(500));
        assert_eq!(millis("1.5s"), Some(1500));
        assert_eq!(millis("10"), Some(10_000));
        assert_eq!(millis("2m"), Some(120_000));
        for text in ["", "s", "-1s", "1 s", "1d", "1e400"] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn counts() {
        let count = |text| parse_count(text).ok();
        assert_eq!(count("12"), Some(12));
        assert_eq!(count("100k"), Some(100_000));
        assert_eq!(count("10M"), Some(10_000_000));
        for text in ["", "k", "0", "-1", "1x", "1.5k", "99999999999999999999"] {
            assert_eq!(count(text), None, "{text}");
        }
    }

    #[test]
    fn size_ranges() {
        let range = |text| parse_size_range(text).ok().map(|range| (range.min, range.max));
        assert_eq!(range("100"), Some((100, 100)));
        assert_eq!(range("0-10"), Some((0, 10)));
        for text in ["", "10-1", "a", "1-", "-1", "536870913"] {
            assert_eq!(range(text), None, "{text}");
        }
    }

    #[test]
    fn cpu_lists() {
        let cpus = |text| parse_cpus(text).ok();
        assert_eq!(cpus("1"), Some(vec![1]));
        assert_eq!(cpus("0-2,5"), Some(vec![0, 1, 2, 5]));
        for text in ["", "a", "2-1", "1,", "5000"] {
            assert_eq!(cpus(text), None, "{text}");
        }
    }
}
