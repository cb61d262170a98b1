//! The findings for people and for programs.

use super::finding::{Finding, Level};

/// How many findings of a level there are.
fn count(findings: &[Finding], level: Level) -> usize {
    findings.iter().filter(|finding| finding.level == level).count()
}

/// For people.
pub(super) fn text(title: &str, findings: &[Finding]) -> String {
    let mut text = format!("{title}\n\n");
    for Finding { check, level, seen, why, fix, .. } in findings {
        text += &format!("{:<5} {check:<23} {}\n", level.word(), plain(seen));
        for (name, value) in [("why", why), ("fix", fix)] {
            if !value.is_empty() {
                text += &format!("      {name}: {}\n", plain(value));
            }
        }
    }
    let [ok, skip, warn, fail] =
        [Level::Ok, Level::Skip, Level::Warn, Level::Fail].map(|level| count(findings, level));
    text += &format!("\n{ok} OK, {skip} skipped, {warn} warnings, {fail} failures\n");
    text
}

/// A path may hold characters that a terminal would act upon.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '?' } else { c }).collect()
}

/// For programs: one object.
pub(super) fn json(directory: &str, findings: &[Finding]) -> String {
    let checks: Vec<String> = findings.iter().map(object).collect();
    format!(
        "{{\"version\":{},\"directory\":{},\"ok\":{},\"skip\":{},\"warn\":{},\"fail\":{},\
         \"checks\":[\n{}\n]}}\n",
        quoted(env!("CARGO_PKG_VERSION")),
        quoted(directory),
        count(findings, Level::Ok),
        count(findings, Level::Skip),
        count(findings, Level::Warn),
        count(findings, Level::Fail),
        checks.join(",\n"),
    )
}

fn object(finding: &Finding) -> String {
    let numbers: Vec<String> =
        finding.numbers.iter().map(|(name, value)| format!("{}:{value}", quoted(name))).collect();
    format!(
        "{{\"check\":{},\"level\":{},\"seen\":{},\"why\":{},\"fix\":{},\"numbers\":{{{}}}}}",
        quoted(finding.check),
        quoted(finding.level.word()),
        quoted(&finding.seen),
        quoted(&finding.why),
        quoted(&finding.fix),
        numbers.join(",")
    )
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted += &format!("\\u{:04x}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Bytes for people, rounded down.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    let mut whole = bytes;
    let mut unit = "bytes";
    for next in UNITS {
        if whole < 10 * 1024 {
            break;
        }
        whole /= 1024;
        unit = next;
    }
    format!("{whole} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_tell_the_same() {
        let findings = [
            Finding::ok("clock", "tsc"),
            Finding::warn("swappiness", "a \"b\"\\\n\u{1b}", "because", "do that")
                .with_numbers(&[("value", 60)]),
        ];
        assert_eq!(
            text("title", &findings),
            "title\n\n\
             OK    clock                   tsc\n\
             WARN  swappiness              a \"b\"\\\n?\n      why: because\n      fix: do that\n\
             \n1 OK, 0 skipped, 1 warnings, 0 failures\n"
        );
        let json = json("/a\"b", &findings);
        assert!(
            json.contains("\"directory\":\"/a\\\"b\",\"ok\":1,\"skip\":0,\"warn\":1"),
            "{json}"
        );
        assert!(json.contains("\"seen\":\"a \\\"b\\\"\\\\\\u000a\\u001b\""), "{json}");
        assert!(json.contains("\"numbers\":{\"value\":60}}"), "{json}");
    }

    #[test]
    fn sizes_have_two_digits_at_least() {
        assert_eq!(size(10_239), "10239 bytes");
        assert_eq!(size(10_240), "10 KB");
        assert_eq!(size(74 << 30), "74 GB");
        assert_eq!(size(u64::MAX), "16777215 TB");
    }
}
