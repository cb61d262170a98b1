//! Random files, command lines and settings: nothing panics, and what is rewritten reads back.

use super::*;

/// A value that has a fair chance of fitting the directive.
pub(super) fn random_value(random: &mut Random, row: &Directive) -> String {
    let number = |random: &mut Random| match random.below(5) {
        0 => random.below(3).to_string(),
        1 => random.below(1000).to_string(),
        2 => format!("-{}", random.below(10)),
        3 => random.next().to_string(),
        _ => format!("{}{}", random.below(100), random.pick(&["k", "kb", "mb", "gb", "%", "b"])),
    };
    let word = |random: &mut Random| {
        let bytes = [" ", "\"", "'", "\\", "#", "\n", "\t", "a", "B", "7", "é", "\u{1}", "\u{7f}"];
        (0..random.below(6)).map(|_| *random.pick(&bytes)).collect::<String>()
    };
    match random.below(8) {
        0 => row.default.to_string(),
        1 => {
            random.pick(&["yes", "no", "local", "auto", "always", "everysec", "debug"]).to_string()
        }
        2 => word(random),
        3 => format!("{} {}", number(random), number(random)),
        4 => {
            let class = *random.pick(&["normal", "slave", "pubsub"]);
            format!("{class} {} {} {}", number(random), number(random), random.below(9))
        }
        5 => (0..random.below(5)).map(|_| *random.pick(&["K", "E", "A", "x", "n", "m"])).collect(),
        _ => number(random),
    }
}

#[test]
fn a_rewritten_file_reads_back_to_the_same_configuration() {
    let mut random = Random::new("a_rewritten_file_reads_back_to_the_same_configuration");
    let dir = TestDir::new();
    let mut successes = 0;
    for round in 0..40 {
        let mut config = dir.load(&["--enable-protected-configs", "yes"]).unwrap();
        let mut old = String::from("enable-protected-configs yes\n");
        for _ in 0..60 {
            let row = *random.pick(directives());
            let value = random_value(&mut random, row);
            if let Ok(change) = set(&config, &[(row.name, &value)]) {
                config = change.config;
                successes += 1;
            }
            // Old lines, right or outdated, in quotes as a file needs them.
            let name = row.alias.unwrap_or(row.name);
            let quoted = String::from_utf8(syntax::quote(value.as_bytes())).unwrap();
            let line = format!("{name} {quoted}\n# {round}\n");
            let directory = matches!(row.kind, value::Kind::Directory);
            if !directory && dir.load_with_stdin(&["-"], line.as_bytes()).is_ok() {
                old.push_str(&line);
            }
        }
        // Lines that are right on their own can still contradict each other on sizes.
        if dir.load_with_stdin(&["-"], old.as_bytes()).is_err() {
            old.clear();
        }
        dir.write("a.conf", &old);
        dir.rewrite(&config, "a.conf").unwrap();
        let text = dir.read("a.conf");
        let read = dir.load(&["a.conf"]).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!(read == config, "{:?}\n{text}", differences(&read, &config));
        dir.rewrite(&config, "a.conf").unwrap();
        assert_eq!(dir.read("a.conf"), text, "a second time changes nothing");
    }
    assert!(successes > 400, "most of the random values are useless: {successes}");
}

fn differences(a: &Config, b: &Config) -> Vec<&'static str> {
    directives()
        .iter()
        .map(|row| row.name)
        .filter(|name| a.value_of(name) != b.value_of(name))
        .collect()
}

/// Text of the kind that a file may hold, and of the kind that none should.
fn random_text(random: &mut Random) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..random.below(30) {
        match random.below(10) {
            0 => text.push(u8::try_from(random.below(256)).unwrap()),
            1 | 2 => {
                let pieces = ["\"", "'", "\\", "\n", " ", "\\x4", "\0", "=", "#"];
                text.extend(random.pick(&pieces).bytes());
            }
            3 => text.extend(b"\ninclude "),
            4 => text.extend(b"*.conf"),
            5 => text.extend(b"\nrename-command "),
            _ => {
                let row = *random.pick(directives());
                text.extend(row.name.as_bytes());
                text.push(b' ');
                text.extend(random_value(random, row).into_bytes());
                if random.below(3) > 0 {
                    text.push(b'\n');
                }
            }
        }
    }
    text
}

#[test]
fn no_text_makes_the_parser_panic() {
    let mut random = Random::new("no_text_makes_the_parser_panic");
    let dir = TestDir::new();
    let mut read = 0;
    for _ in 0..1500 {
        let text = random_text(&mut random);
        match dir.load_with_stdin(&["-"], &text) {
            Ok(config) => {
                read += 1;
                assert!(config.get(&[b"*"], glob).len() > 150);
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        let pieces: Vec<_> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let mut nothing = io::empty();
        let _ = Config::load(&pieces, &mut dir.surroundings(&mut nothing));
    }
    assert!(read > 20, "hardly any text is right, so little is tested: {read}");
}

#[test]
fn no_pair_makes_config_set_panic() {
    let mut random = Random::new("no_pair_makes_config_set_panic");
    let config = config(&[]);
    for _ in 0..5000 {
        let row = *random.pick(directives());
        let value = random_value(&mut random, row);
        match set(&config, &[(row.name, &value)]) {
            Ok(change) => assert!(change.config.value_of(row.name).is_some()),
            Err(error) => assert!(error.reply().starts_with(b"ERR CONFIG SET failed")),
        }
    }
}
