//! Bytes on the wire: what is accepted, what is an error that closes the connection, and that no
//! bytes at all end the process.

use std::time::Duration;

use crate::common::resp::encode_request;
use crate::common::server::Options;
use crate::common::{Rng, Server, Value, rng};

/// Malformed requests and the error they get before the connection is closed.
const MALFORMED: &[(&[u8], &str)] = &[
    (b"*3000000000\r\n", "invalid multibulk length"),
    (b"*abc\r\n", "invalid multibulk length"),
    (b"*\r\n", "invalid multibulk length"),
    (b"*1 \r\n", "invalid multibulk length"),
    (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "expected '$', got 'f'"),
    (b"*1\r\nfoo\r\n", "expected '$', got 'f'"),
    (b"*1\r\n:1\r\n", "expected '$', got ':'"),
    (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$-10\r\n", "invalid bulk length"),
    (b"*1\r\n$-1\r\n", "invalid bulk length"),
    (b"*1\r\n$2000000000\r\n", "invalid bulk length"),
    (b"*1\r\n$blabla\r\n", "invalid bulk length"),
    (b"*1\r\n$\r\n", "invalid bulk length"),
    (b"SET key \"value\r\n", "unbalanced quotes in request"),
    (b"SET key 'value\r\n", "unbalanced quotes in request"),
    (b"SET key \"value\"more\r\n", "unbalanced quotes in request"),
];

#[test]
fn a_malformed_request_gets_its_error_and_its_end() {
    let server = Server::start();
    for (request, error) in MALFORMED {
        let mut client = server.client();
        // What was sent before the mistake is answered.
        client.write_raw(b"*1\r\n$4\r\nPING\r\n");
        client.write_raw(request);
        let expected = format!("+PONG\r\n-ERR Protocol error: {error}\r\n");
        client.assert_closes_with(expected.as_bytes());
    }
    assert_eq!(server.client().run("PING"), Value::Simple(b"PONG".to_vec()));
}

#[test]
fn a_line_that_never_ends_is_an_error() {
    const LONGER_THAN_A_LINE: usize = 70_000;
    let server = Server::start();
    for (start, error) in [
        ("", "too big inline request"),
        ("*", "too big mbulk count string"),
        ("*1\r\n$", "too big bulk count string"),
    ] {
        let mut client = server.client();
        let mut request = start.as_bytes().to_vec();
        request.resize(start.len() + LONGER_THAN_A_LINE, b'1');
        client.write_raw(&request);
        client.assert_closes_with(format!("-ERR Protocol error: {error}\r\n").as_bytes());
    }
}

#[test]
fn requests_of_nothing_are_passed_over() {
    let server = Server::start();
    let mut client = server.client();
    for nothing in ["\r\n", "\n", "   \r\n", "*0\r\n", "*-1\r\n", "*-10\r\n"] {
        client.write_raw(nothing.as_bytes());
        assert_eq!(client.run("PING").text(), "PONG", "after {nothing:?}");
    }
}

#[test]
fn inline_commands_are_split_as_a_shell_would() {
    let server = Server::start();
    let mut client = server.client();
    for (line, expected) in [
        ("ECHO plain\r\n", "plain"),
        ("ECHO plain\n", "plain"),
        ("  ECHO   spaces \r\n", "spaces"),
        ("echo\ttab\r\n", "tab"),
        ("ECHO \"two words\"\r\n", "two words"),
        ("ECHO 'it\\'s'\r\n", "it's"),
        ("ECHO 'no \\n escape'\r\n", "no \\n escape"),
        ("ECHO \"\\x41\\n\\t\\\\\\\"\"\r\n", "A\n\t\\\""),
        ("ECHO \"\"\r\n", ""),
        ("ECHO \"\\xzz\"\r\n", "xzz"),
    ] {
        client.write_raw(line.as_bytes());
        assert_eq!(client.read(), Value::Bulk(expected.as_bytes().to_vec()), "for {line:?}");
    }
}

#[test]
fn inline_and_multibulk_may_alternate_in_one_write() {
    let server = Server::start();
    let mut client = server.client();
    client.write_raw(b"PING\r\n*2\r\n$4\r\nECHO\r\n$4\r\na\r\nb\r\nECHO x\n*1\r\n$4\r\nPING\r\n");
    assert_eq!(client.read().text(), "PONG");
    assert_eq!(client.read().text(), "a\r\nb");
    assert_eq!(client.read().text(), "x");
    assert_eq!(client.read().text(), "PONG");
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let server = Server::start();
    let mut client = server.client();
    let mut request = encode_request(&["SET", "key", "va\r\nlue"]);
    request.extend(encode_request(&["GET", "key"]));
    request.extend_from_slice(b"ECHO inline\r\n");
    for byte in request {
        client.write_raw(&[byte]);
    }
    assert_eq!(client.read(), Value::Simple(b"OK".to_vec()));
    assert_eq!(client.read(), Value::Bulk(b"va\r\nlue".to_vec()));
    assert_eq!(client.read(), Value::Bulk(b"inline".to_vec()));
}

#[test]
fn large_values_pass_whole() {
    const SIZE: usize = 8 << 20;
    let server = Server::start();
    let mut client = server.client();
    let value = Rng::new(1).bytes(SIZE);
    assert_eq!(client.call(&[b"SET", b"big".as_slice(), &value]).text(), "OK");
    assert!(client.run("GET big") == Value::Bulk(value), "the value came back changed");
}

#[test]
fn a_browser_is_turned_away_without_a_word() {
    let server = Server::start();
    for request in ["POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "Host: localhost\r\n"] {
        let mut client = server.client();
        client.write_raw(request.as_bytes());
        client.assert_closes_with(b"");
    }
}

#[test]
fn no_bytes_end_the_process() {
    const ROUNDS: usize = 300;
    let server = Server::start();
    let seed = rng::seed("BASALT_PROTOCOL_SEED");
    eprintln!("BASALT_PROTOCOL_SEED={seed}");
    let mut rng = Rng::new(seed);
    let valid = encode_request(&["SET", "key", "value", "EX", "100"]);
    for _ in 0..ROUNDS {
        let mut bytes = match rng.below(3) {
            0 => {
                let count = rng.below(2000);
                rng.bytes(count)
            }
            // Mostly right, with a few bytes changed.
            _ => valid.repeat(1 + rng.below(20)),
        };
        for _ in 0..rng.below(4) {
            let at = rng.below(bytes.len().max(1));
            if let Some(byte) = bytes.get_mut(at) {
                *byte = *rng.pick(b"*$\r\n-:09az\x00\xff");
            }
        }
        let mut client = server.client();
        // The server may have closed already: that is its right.
        let _ = client.try_write_raw(&bytes);
        client.set_timeout(Duration::from_millis(1));
        while client.read_any().is_ok() {}
    }
    assert_eq!(server.client().run("PING").text(), "PONG");
}

#[test]
fn bulk_length_has_the_limit_of_the_configuration() {
    let server = Server::with(Options::default().set("proto-max-bulk-len", "1mb"));
    let mut client = server.client();
    client.write_raw(b"*2\r\n$4\r\nECHO\r\n$1048577\r\n");
    client.assert_closes_with(b"-ERR Protocol error: invalid bulk length\r\n");
    let mut client = server.client();
    let largest = "x".repeat(1 << 20);
    assert_eq!(client.call(&["ECHO", &largest]).text(), largest);
    let error = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    client.fails("SETRANGE key 1048576 x", error);
}

#[test]
fn a_query_buffer_has_a_limit() {
    let server = Server::with(Options::default().set("client-query-buffer-limit", "1mb"));
    let mut client = server.client();
    // One request larger than the buffer may be.
    let _ = client.try_write_raw(b"*2\r\n$4\r\nECHO\r\n$3000000\r\n");
    let _ = client.try_write_raw(&vec![b'x'; 3_000_000]);
    client.assert_closes_with(b"");
    // Many requests that together are larger are none of its business.
    let many = vec![vec!["ECHO".to_owned(), "x".repeat(1000)]; 5_000];
    assert_eq!(server.client().pipeline(&many).len(), 5_000);
}

#[test]
fn before_the_password_requests_are_small() {
    let server = Server::with(Options::default().set("requirepass", "secret"));
    for (request, error) in [
        ("*11\r\n", "unauthenticated multibulk length"),
        ("*2\r\n$4\r\nECHO\r\n$16385\r\n", "unauthenticated bulk length"),
    ] {
        let mut client = server.client();
        client.write_raw(request.as_bytes());
        client.assert_closes_with(format!("-ERR Protocol error: {error}\r\n").as_bytes());
        // The same is in order once the password is known.
        let mut client = server.client();
        client.ok("AUTH secret");
        client.write_raw(request.as_bytes());
        client.assert_silent(Duration::from_millis(50));
    }
}

#[test]
fn resp3_has_its_own_types() {
    let server = Server::start();
    let (mut old, mut new) = (server.client(), server.client3());
    old.run("HSET hash field value");
    assert_eq!(old.run("GET absent"), Value::NullBulk);
    assert_eq!(new.run("GET absent"), Value::Null);
    let pair = (Value::Bulk(b"field".to_vec()), Value::Bulk(b"value".to_vec()));
    let flat = Value::Array(vec![pair.0.clone(), pair.1.clone()]);
    assert_eq!(old.run("HGETALL hash"), flat);
    assert_eq!(new.run("HGETALL hash"), Value::Map(vec![pair.clone()]));
    let nested = Value::Array(vec![Value::Array(vec![pair.0, pair.1])]);
    assert_eq!(old.run("HRANDFIELD hash 1 WITHVALUES"), flat);
    assert_eq!(new.run("HRANDFIELD hash 1 WITHVALUES"), nested);
    assert!(matches!(old.run("INFO server"), Value::Bulk(_)));
    assert!(matches!(new.run("INFO server"), Value::Verbatim(text) if text.starts_with(b"txt:")));
    // And back.
    new.run("HELLO 2");
    assert_eq!(new.run("HGETALL hash"), flat);
}

#[test]
fn replies_of_a_deep_pipeline_come_in_order() {
    const DEPTH: usize = 20_000;
    let server = Server::with(Options::default().shards(4));
    let mut client = server.client();
    let commands: Vec<Vec<String>> = (0..DEPTH)
        .map(|i| match i % 3 {
            0 => vec!["SET".to_owned(), format!("key:{i}"), i.to_string()],
            1 => vec!["GET".to_owned(), format!("key:{}", i - 1)],
            _ => vec!["ECHO".to_owned(), i.to_string()],
        })
        .collect();
    for (i, reply) in client.pipeline(&commands).iter().enumerate() {
        match i % 3 {
            0 => assert_eq!(reply.text(), "OK", "reply {i}"),
            1 => assert_eq!(reply.text(), (i - 1).to_string(), "reply {i}"),
            _ => assert_eq!(reply.text(), i.to_string(), "reply {i}"),
        }
    }
}
