//! Loading: precedence, include, and what is said about mistakes.

use super::*;

#[test]
fn without_arguments_all_is_default() {
    let dir = TestDir::new();
    let config = dir.load(&[]).unwrap();
    assert_eq!(config.port, 6379);
    assert_eq!(config.bind, ["127.0.0.1", "-::1"]);
    assert_eq!(config.databases, 16);
    assert_eq!(config.appendfsync, words::Durability::Always);
    assert_eq!(config.maxmemory_policy, words::EvictionPolicy::NoEviction);
    assert_eq!(config.client_output_buffer_limit.normal.hard_bytes, 0);
    assert_eq!(config.requirepass, None);
    assert_eq!(config.dir, dir.path());
    assert_eq!(config.resolve(Path::new("a.log")), dir.path().join("a.log"));
    assert_eq!(config.without_effect(), []);
}

#[test]
fn the_command_line_overrides_stdin_which_overrides_the_file() {
    let dir = TestDir::new();
    dir.write("a.conf", "# comment\n\n port 1 \r\nTIMEOUT 10\nhz 11\n");
    let arguments = ["a.conf", "--port", "3", "-"];
    let config = dir.load_with_stdin(&arguments, b"port 2\ntimeout 20").unwrap();
    assert_eq!((config.port, config.timeout_seconds), (3, 20));
    assert_eq!(value(&config, "hz"), "11");
}

#[test]
fn sources_name_all_files() {
    let dir = TestDir::new();
    dir.write("a.conf", "include b.conf\n");
    dir.write("b.conf", "port 1\n");
    let mut nothing = io::empty();
    let arguments = [b"a.conf".to_vec()];
    let (_, sources) = Config::load(&arguments, &mut dir.surroundings(&mut nothing)).unwrap();
    assert_eq!(sources.config_file, Some(dir.path().join("a.conf")));
    assert_eq!(sources.files, [dir.path().join("a.conf"), dir.path().join("b.conf")]);
}

#[test]
fn save_lines_add_up_and_replace_the_default() {
    let check = |arguments: &[&str], expected: &str| {
        assert_eq!(value(&config(arguments), "save"), expected, "{arguments:?}");
    };
    check(&[], "");
    check(&["--save", "10", "1"], "10 1");
    check(&["--save", "10 1 20 2"], "10 1 20 2");
    check(&["--save", "10 1", "--save", "20", "2"], "10 1 20 2");
    check(&["--save", "10 1", "--save", ""], "");
    check(&["--save", "10 1", "--save", "--port", "7"], "");
}

#[test]
fn output_limits_change_the_classes_that_are_named() {
    let config = config(&[
        "--client-output-buffer-limit",
        "normal 1kb 2k 3",
        "--client-output-buffer-limit",
        "slave",
        "4",
        "5",
        "6",
    ]);
    let shown = "normal 1024 2000 3 slave 4 5 6 pubsub 33554432 8388608 60";
    assert_eq!(value(&config, "client-output-buffer-limit"), shown);
}

#[test]
fn aliases_and_obsolete_names_are_accepted() {
    let config = config(&["--slave-read-only", "no", "--list-max-ziplist-entries", "7"]);
    assert_eq!(value(&config, "replica-read-only"), "no");
    assert_eq!(
        config.without_effect(),
        [("replica-read-only", "there is no replication")],
        "what has no effect is told"
    );
}

#[test]
fn renamed_commands_keep_their_place() {
    let dir = TestDir::new();
    dir.write("a.conf", "port 1\nrename-command KEYS \"\"\nrename-command get fetch\n");
    let config = dir.load(&["a.conf"]).unwrap();
    let renames: Vec<_> =
        config.renames().iter().map(|r| (&r.from[..], &r.to[..], r.location.line_number)).collect();
    assert_eq!(renames, [(&b"KEYS"[..], &b""[..], 2), (&b"get"[..], &b"fetch"[..], 3)]);
}

#[test]
fn include_takes_a_path_or_a_pattern() {
    let dir = TestDir::new();
    dir.write("a.conf", "port 1\ninclude conf.d/*.conf\ninclude none/*.conf\ninclude b.conf\n");
    dir.write("conf.d/1.conf", "port 2\ntimeout 2\n");
    dir.write("conf.d/2.conf", "port 3\n");
    dir.write("conf.d/.hidden.conf", "port 9\n");
    dir.write("conf.d/other", "port 9\n");
    dir.write("b.conf", "hz 20");
    let config = dir.load(&["a.conf"]).unwrap();
    assert_eq!((config.port, config.timeout_seconds), (3, 2));
    assert_eq!(value(&config, "hz"), "20");
}

/// Loads `text` as a file and gives the error message, the directory's name replaced.
fn message(text: &str) -> String {
    let dir = TestDir::new();
    dir.write("a.conf", text);
    let error = dir.load(&["a.conf"]).expect_err(text);
    error.to_string().replace(dir.path().to_str().unwrap(), "DIR")
}

#[test]
fn mistakes_are_said_with_place_line_directive_and_remedy() {
    let check = |text: &str, expected: &str| assert_eq!(message(text), expected);
    check(
        "# one\n\nprot 6379\n",
        "In DIR/a.conf, line 3:\n>>> 'prot 6379'\nUnknown directive 'prot'. Did you mean 'port'?",
    );
    check(
        "port abc",
        "In DIR/a.conf, line 1:\n>>> 'port abc'\n\
         port: argument couldn't be parsed into an integer. It expects an integer from 0 to 65535.",
    );
    check(
        "port 65536",
        "In DIR/a.conf, line 1:\n>>> 'port 65536'\n\
         port: argument must be between 0 and 65535 inclusive. \
         It expects an integer from 0 to 65535.",
    );
    check(
        "port",
        "In DIR/a.conf, line 1:\n>>> 'port'\n\
         port: wrong number of arguments. It expects an integer from 0 to 65535.",
    );
    check(
        "appendfsync sometimes",
        "In DIR/a.conf, line 1:\n>>> 'appendfsync sometimes'\nappendfsync: argument(s) must be one \
         of the following: everysec, always, no. It expects one of: everysec, always, no.",
    );
    check(
        "cluster-enabled yes",
        "In DIR/a.conf, line 1:\n>>> 'cluster-enabled yes'\ncluster-enabled: only the default, \
         'no', is accepted: there is no cluster mode. It expects no.",
    );
    check(
        "loadmodule a.so",
        "In DIR/a.conf, line 1:\n>>> 'loadmodule a.so'\n\
         loadmodule: not supported by Basalt: there are no modules. Remove the line.",
    );
    check(
        "\"port 1",
        "In DIR/a.conf, line 1:\n>>> '\"port 1'\nUnbalanced quotes in configuration line: every \
         quote needs its end, and a blank or the end of the line must follow that.",
    );
    check(
        "include gone.conf",
        "In DIR/a.conf, line 1:\n>>> 'include gone.conf'\n\
         Can't open config file 'DIR/gone.conf': No such file or directory (os error 2)",
    );
    check(
        "xyzzy 1",
        "In DIR/a.conf, line 1:\n>>> 'xyzzy 1'\nUnknown directive 'xyzzy'. 'basalt --help' lists \
         Basalt's own; the others are those of Redis 7.2.",
    );
    check(
        "maxmemory 100mb\nhot-cache-size 1gb",
        "hot-cache-size, block-cache-size and write-buffer-size come to 1073741824 bytes, but of a \
         memory budget of 104857600 bytes only 70464308 are for them (the rest is for clients \
         and the process itself). Lower them, set them to 0 to have the budget divided, or raise \
         maxmemory",
    );
}

#[test]
fn mistakes_on_the_command_line() {
    let check = |arguments: &[&str], expected: &str| {
        assert_eq!(TestDir::new().load(arguments).unwrap_err().to_string(), expected);
    };
    check(
        &["--hz", "1", "--port=6380"],
        "On the command line:\n>>> 'port=6380'\nUnknown directive 'port=...'. \
         The value follows after a blank: 'port VALUE'.",
    );
    check(
        &["-x"],
        "On the command line:\n>>> '\"-x\"'\nUnknown directive '-x'. \
         'basalt --help' lists Basalt's own; the others are those of Redis 7.2.",
    );
    let gone = TestDir::new();
    let error = gone.load(&["gone.conf"]).unwrap_err().to_string();
    assert!(error.starts_with("Can't open config file '") && error.contains("gone.conf"));
    let stdin = gone.load_with_stdin(&["-"], b"\nport x").unwrap_err().to_string();
    assert!(stdin.starts_with("On standard input, line 2:\n>>> 'port x'\n"), "{stdin}");
}

#[test]
fn secrets_are_not_shown() {
    for line in [
        "requirepass hunter2 extra",
        "REQUIREPASS hunter2 extra",
        "\"requirepass\" hunter2 extra",
        "requirepas hunter2",
        "requirepass=hunter2",
        "tls-key-file-pass hunter2",
    ] {
        let message = message(line);
        assert!(!message.contains("hunter2"), "{message}");
        assert!(message.contains("value not shown"), "{message}");
    }
}

#[test]
fn include_is_bounded() {
    let dir = TestDir::new();
    dir.write("self.conf", "include self.conf\n");
    dir.write("a.conf", "include b.conf\n");
    dir.write("b.conf", "include ./a.conf\n");
    dir.write("glob.conf", "include g*.conf\n");
    for name in ["self.conf", "a.conf", "glob.conf"] {
        let error = dir.load(&[name]).unwrap_err();
        assert!(matches!(error.fault, Fault::IncludeCycle(_)), "{name}: {error}");
    }
    for depth in 0..20 {
        dir.write(&format!("d{depth}.conf"), format!("include d{}.conf\n", depth + 1));
    }
    dir.write("d20.conf", "port 1\n");
    let error = dir.load(&["d0.conf"]).unwrap_err();
    assert!(matches!(error.fault, Fault::IncludeDepth { .. }), "{error}");
    assert_eq!(dir.load(&["d10.conf"]).unwrap().port, 1);
    // The same file twice, one after the other, is no cycle.
    dir.write("twice.conf", "include d20.conf\ninclude d20.conf\n");
    assert_eq!(dir.load(&["twice.conf"]).unwrap().port, 1);
}

#[test]
fn a_file_too_large_is_refused() {
    let dir = TestDir::new();
    let file = fs::File::create(dir.path().join("big.conf")).unwrap();
    file.set_len(1 << 30).unwrap();
    let error = dir.load(&["big.conf"]).unwrap_err();
    assert!(matches!(error.fault, Fault::TooLarge { .. }), "{error}");
}
