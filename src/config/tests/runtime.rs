//! CONFIG GET and CONFIG SET. The texts are those that redis-server answers.

use super::*;

#[test]
fn get_takes_names_and_patterns() {
    let check = |patterns: &[&str], expected: &[(&str, &str)]| {
        let expected: Vec<_> =
            expected.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        assert_eq!(get(&config(&[]), patterns), expected, "{patterns:?}");
    };
    check(&["timeout"], &[("timeout", "0")]);
    check(&["TimeOut", "timeout"], &[("TimeOut", "0")]);
    check(
        &["maxmemory", "maxmemory-pol*"],
        &[("maxmemory", "0"), ("maxmemory-policy", "noeviction")],
    );
    check(
        &["HASH-MAX-*-entries"],
        &[("hash-max-listpack-entries", "512"), ("hash-max-ziplist-entries", "512")],
    );
    check(
        &["slave-read-only", "replica-read-only"],
        &[("slave-read-only", "yes"), ("replica-read-only", "yes")],
    );
    check(&["nothing", "no*thing", "include", "user"], &[]);
    check(&["*watchdog*"], &[]);
    check(&["watchdog-period"], &[("watchdog-period", "0")]);
    check(&["t[ic]mout", "timeou?"], &[("timeout", "0")]);
}

#[test]
fn set_changes_a_copy() {
    let before = config(&[]);
    let change = set(&before, &[("timeout", "7"), ("HZ", "600"), ("maxclients", "10000")]).unwrap();
    assert_eq!((before.timeout_seconds, change.config.timeout_seconds), (0, 7));
    assert_eq!(value(&change.config, "hz"), "500", "capped as in Redis");
    assert_eq!(change.changed, ["timeout", "hz"], "what stays the same is not among the changes");
}

#[test]
fn set_takes_all_or_nothing() {
    let before = config(&[]);
    assert!(set(&before, &[("timeout", "7"), ("maxmemory", "x")]).is_err());
    assert_eq!(before.timeout_seconds, 0);
}

#[test]
fn set_answers_as_redis_does() {
    let check = |pairs: &[(&str, &str)], expected: &str| {
        let reply = set(&config(&[]), pairs).expect_err(expected).reply();
        assert_eq!(String::from_utf8(reply).unwrap(), expected, "{pairs:?}");
    };
    let failed = |pairs: &[(&str, &str)], name: &str, reason: &str| {
        check(
            pairs,
            &format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}"),
        );
    };
    let one = |name: &str, value: &str, reason: &str| failed(&[(name, value)], name, reason);

    let unknown = "ERR Unknown option or number of arguments for CONFIG SET - 'foo'";
    check(&[("foo", "bar")], unknown);
    check(&[("hz", "x"), ("foo", "bar")], unknown);
    check(&[("include", "x")], &unknown.replace("foo", "include"));
    check(&[("f\r\no", "x")], &unknown.replace("foo", "f  o"));

    failed(&[("hz", "1"), ("HZ", "2"), ("foo", "1")], "HZ", "duplicate parameter");
    one("daemonize", "yes", "can't set immutable config");
    one("databases", "4", "can't set immutable config");
    failed(&[("PIDFILE", "x")], "PIDFILE", "can't set immutable config");
    one("dbfilename", "x", "can't set protected config");
    one("dir", "/", "can't set protected config");

    one("hz", "abc", "argument couldn't be parsed into an integer");
    failed(&[("HZ", "abc")], "hz", "argument couldn't be parsed into an integer");
    failed(
        &[("LUA-time-limit", "x")],
        "lua-time-limit",
        "argument couldn't be parsed into an integer",
    );
    one("timeout", "10000000000000000000000", "argument couldn't be parsed into an integer");
    one("port", "99999", "argument must be between 0 and 65535 inclusive");
    one("maxclients", "0", "argument must be between 1 and 4294967295 inclusive");
    one("tcp-keepalive", "-1", "argument must be between 0 and 2147483647 inclusive");
    let from_a_megabyte = "argument must be between 1048576 and 9223372036854775807 inclusive";
    one("proto-max-bulk-len", "100", from_a_megabyte);
    one("maxmemory", "abc", "argument must be a memory value");
    one("maxmemory", "-1", "argument must be a memory value");
    one("maxmemory", "1zz", "argument must be a memory value");
    one("maxmemory-clients", "101%", "percentage argument must be less or equal to 100");
    one("maxmemory-clients", "x", "argument must be a memory or percent value");
    one("appendonly", "foo", "argument must be 'yes' or 'no'");
    let policies = "argument(s) must be one of the following: volatile-lru, volatile-lfu, \
                    volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, \
                    noeviction";
    one("maxmemory-policy", "foo", policies);
    let adjustments = "argument(s) must be one of the following: no, yes, relative, absolute";
    one("oom-score-adj", "foo", adjustments);
    let signals = "argument(s) must be one of the following: default, save, nosave, now, force";
    one("shutdown-on-sigterm", "", signals);
    let both = "shutdown options SAVE and NOSAVE can't be used simultaneously";
    one("shutdown-on-sigterm", "save nosave", both);

    for value in ["foo", "10", "10 20 30", "10 20 x y", "0 1", "1 -1"] {
        one("save", value, "Invalid save parameters");
    }
    let count = "Wrong number of arguments in buffer limit configuration.";
    one("client-output-buffer-limit", "foo", count);
    one("client-output-buffer-limit", "normal 1 1", count);
    let class = "Invalid client class specified in buffer limit configuration.";
    one("client-output-buffer-limit", "master 1 1 1", class);
    let number = "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
    one("client-output-buffer-limit", "normal 1 1 -1", number);
    let event = "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
    one("notify-keyspace-events", "QQ", event);
    let percentiles = "latency-tracking-info-percentiles";
    one(percentiles, "abc", "Invalid latency-tracking-info-percentiles parameters");
    let range = "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";
    one(percentiles, "101", range);
    one("oom-score-adj-values", "1", "wrong number of arguments");
    let scores = "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
    one("oom-score-adj-values", "0 200 8000", scores);
    let template = "template format is invalid or contains unknown variables";
    for value in ["{foo}", "", " ", "{title", "{title}"] {
        one("proc-title-template", value, template);
    }
    let port = "only the default, '0', is accepted: there is no TLS";
    one("tls-port", "6380", port);
    one(
        "activedefrag",
        "yes",
        "only the default, 'no', is accepted: there is no active defragmentation",
    );
}

#[test]
fn set_accepts_what_redis_accepts() {
    let check = |name: &str, given: &str, expected: &str| {
        let change =
            set(&config(&[]), &[(name, given)]).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(value(&change.config, name), expected, "{name} {given}");
    };
    check("save", "", "");
    check("save", "100 10 60 1000", "100 10 60 1000");
    check("maxmemory", "100mb", "104857600");
    check("maxmemory-clients", "5%", "5%");
    check("maxmemory-policy", "ALLKEYS-LRU", "allkeys-lru");
    check("oom-score-adj", "relative", "yes");
    check("shutdown-on-sigterm", "force default save", "save force");
    check("notify-keyspace-events", "KEA", "AKE");
    check("notify-keyspace-events", "Egx", "gxE");
    check("notify-keyspace-events", "", "");
    check("latency-tracking-info-percentiles", "50 99.99999999 1e1", "50 100 10");
    check("latency-tracking-info-percentiles", "", "");
    check("client-output-buffer-limit", "", &value(&config(&[]), "client-output-buffer-limit"));
    check("requirepass", "pass word", "pass word");
    check("proc-title-template", "{title} {port} {{", "{title} {port} {{");
    check("repl-backlog-size", "1", "16384");
    check("tls-port", "0", "0");
    check("bind", "127.0.0.1", "127.0.0.1");
    check("bind", "", "");
    let both = [("slave-read-only", "no"), ("replica-read-only", "no")];
    assert!(set(&config(&[]), &both).is_ok());
}

#[test]
fn every_value_can_be_set_to_what_it_is() {
    let config = config(&["--enable-protected-configs", "yes"]);
    for row in directives().iter().filter(|row| !row.immutable) {
        let value = value(&config, row.name);
        let change = set(&config, &[(row.name, &value)]);
        let change = change.unwrap_or_else(|error| panic!("{}: {error:?}", row.name));
        assert_eq!(change.changed, [""; 0], "{}", row.name);
        assert!(change.config == config);
    }
}

#[test]
fn protected_directives() {
    let local = ClientContext { local: true, loading: false };
    let check = |allowed: &str, context: ClientContext, expected: bool| {
        let config = config(&["--enable-protected-configs", allowed]);
        let result = set_as(&config, &[("dbfilename", "x")], context);
        assert_eq!(result.is_ok(), expected, "{allowed} {context:?}");
    };
    check("no", local, false);
    check("yes", ClientContext::default(), true);
    check("local", ClientContext::default(), false);
    check("local", local, true);
}

#[test]
fn the_directory_stays() {
    let dir = TestDir::new();
    let config = dir.load(&["--enable-protected-configs", "yes"]).unwrap();
    assert!(set(&config, &[("dir", dir.path().to_str().unwrap())]).is_ok());
    assert!(set(&config, &[("dir", "./")]).is_ok());
    let reply = set(&config, &[("dir", "/tmp/elsewhere")]).unwrap_err().reply();
    assert!(reply.ends_with(b"- it cannot change while the server is running"));
}

#[test]
fn loading_comes_first() {
    let loading = ClientContext { local: true, loading: true };
    let set = |name: &str| set_as(&config(&[]), &[(name, "yes")], loading);
    assert_eq!(set("appendonly").unwrap_err(), ConfigSetError::Loading);
    assert!(set("latency-tracking").is_ok());
}

#[test]
fn sizes_must_fit_the_budget() {
    let config = config(&["--maxmemory", "100mb"]);
    let reply = set(&config, &[("hot-cache-size", "99mb")]).unwrap_err().reply();
    assert!(
        String::from_utf8(reply).unwrap().contains("'hot-cache-size') - hot-cache-size, block")
    );
    let both = [("hot-cache-size", "99mb"), ("maxmemory", "1gb")];
    assert_eq!(set(&config, &both).unwrap().config.hot_cache_size, 99 << 20);
}
