//! Queues of connections that wait to be accepted.

use super::finding::Finding;
use super::subject::Subject;

pub(super) fn backlog(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "tcp-backlog";
    if subject.config.port == 0 {
        return Finding::ok(CHECK, "TCP is off");
    }
    let asked = u64::try_from(subject.config.tcp_backlog).unwrap_or(0);
    let Some(allowed) = subject.host.sysctl("net.core.somaxconn") else {
        return Finding::skip(CHECK, "net.core.somaxconn is not known");
    };
    let seen = format!("tcp-backlog {asked}, net.core.somaxconn = {allowed}");
    if asked <= allowed {
        return Finding::ok(CHECK, seen);
    }
    let why = "the kernel's limit holds: of many clients that connect at once most wait a second \
               or more, until their kernel tries again";
    Finding::warn(CHECK, seen, why, format!("sysctl -w net.core.somaxconn={asked}"))
}

pub(super) fn half_open(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "syn-backlog";
    let sysctl = |name| subject.host.sysctl(name);
    let (Some(cookies), Some(queue)) =
        (sysctl("net.ipv4.tcp_syncookies"), sysctl("net.ipv4.tcp_max_syn_backlog"))
    else {
        return Finding::skip(CHECK, "net.ipv4.tcp_syncookies is not known");
    };
    let seen = format!("tcp_syncookies = {cookies}, tcp_max_syn_backlog = {queue}");
    let asked = u64::try_from(subject.config.tcp_backlog).unwrap_or(0);
    if subject.config.port == 0 || cookies > 0 || queue >= asked {
        return Finding::ok(CHECK, seen);
    }
    let why = "without cookies, clients that connect while this queue fills up are dropped";
    Finding::warn(CHECK, seen, why, "sysctl -w net.ipv4.tcp_syncookies=1")
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::super::tests::Fixture;
    use super::*;

    #[test]
    fn queues() {
        let check = |somaxconn: &str, arguments: &[&str], expected| {
            let files = [("proc/sys/net/core/somaxconn", somaxconn)];
            let found = Fixture::with(&files, arguments).check(backlog);
            assert_eq!(found.level, expected, "{found:?}");
        };
        check("4096", &[], Level::Ok);
        check("511", &[], Level::Ok);
        check("128", &[], Level::Warn);
        check("4096", &["--tcp-backlog", "5000"], Level::Warn);
        check("128", &["--port", "0"], Level::Ok);
        let check = |cookies: &str, queue: &str, expected| {
            let fixture = Fixture::new(&[
                ("proc/sys/net/ipv4/tcp_syncookies", cookies),
                ("proc/sys/net/ipv4/tcp_max_syn_backlog", queue),
            ]);
            assert_eq!(fixture.check(half_open).level, expected, "{cookies} {queue}");
        };
        check("1", "128", Level::Ok);
        check("0", "512", Level::Ok);
        check("0", "128", Level::Warn);
    }
}
