//! Tests of the reply encoder.

use super::*;
use crate::oracle::{Random, value_len};

fn check(write: impl Fn(&mut ReplyBuffer), resp2: &str, resp3: &str) {
    for (protocol, expected) in [(Protocol::Resp2, resp2), (Protocol::Resp3, resp3)] {
        let mut reply = ReplyBuffer::new(protocol);
        write(&mut reply);
        let written = String::from_utf8(reply.take()).unwrap();
        assert_eq!(written, expected, "{protocol:?}");
        assert!(reply.is_empty());
    }
}

#[test]
fn encodes_every_kind_in_both_versions() {
    let same = |write: &dyn Fn(&mut ReplyBuffer), expected| check(write, expected, expected);
    same(&|reply| reply.ok(), "+OK\r\n");
    same(&|reply| reply.simple("PONG"), "+PONG\r\n");
    same(&|reply| reply.error(b"ERR no"), "-ERR no\r\n");
    same(&|reply| reply.integer(0), ":0\r\n");
    same(&|reply| reply.integer(-12), ":-12\r\n");
    same(&|reply| reply.integer(i64::MIN), ":-9223372036854775808\r\n");
    same(&|reply| reply.bulk(b""), "$0\r\n\r\n");
    same(&|reply| reply.bulk(b"0123456789\r\n"), "$12\r\n0123456789\r\n\r\n");
    same(&|reply| reply.bulk_integer(-100), "$4\r\n-100\r\n");
    same(&|reply| reply.array(0), "*0\r\n");
    same(&|reply| reply.array(123), "*123\r\n");
    same(&|reply| reply.append_raw(b":1\r\n"), ":1\r\n");
    check(|reply| reply.null(), "$-1\r\n", "_\r\n");
    check(|reply| reply.null_array(), "*-1\r\n", "_\r\n");
    check(|reply| reply.map(2), "*4\r\n", "%2\r\n");
    check(|reply| reply.set(3), "*3\r\n", "~3\r\n");
    check(|reply| reply.push(3), "*3\r\n", ">3\r\n");
    check(|reply| reply.double(0.1), "$3\r\n0.1\r\n", ",0.1\r\n");
    check(|reply| reply.double(-5.0), "$2\r\n-5\r\n", ",-5\r\n");
    check(|reply| reply.double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
    check(|reply| reply.double(f64::NAN), "$3\r\nnan\r\n", ",nan\r\n");
    check(
        |reply| reply.human_double(0.1),
        "$19\r\n0.10000000000000001\r\n",
        ",0.10000000000000001\r\n",
    );
    check(
        |reply| reply.human_double(1e21),
        "$22\r\n1000000000000000000000\r\n",
        ",1000000000000000000000\r\n",
    );
    check(|reply| reply.big_number("-12345"), "$6\r\n-12345\r\n", "(-12345\r\n");
    check(|reply| reply.boolean(true), ":1\r\n", "#t\r\n");
    check(|reply| reply.boolean(false), ":0\r\n", "#f\r\n");
    check(|reply| reply.verbatim("txt", b"a b"), "$3\r\na b\r\n", "=7\r\ntxt:a b\r\n");
    check(|reply| reply.verbatim("m", b""), "$0\r\n\r\n", "=4\r\nm  :\r\n");
    check(|reply| reply.verbatim("markdown", b"x"), "$1\r\nx\r\n", "=5\r\nmar:x\r\n");
}

#[test]
fn quoted_bytes_cannot_end_the_line() {
    let same = |write: &dyn Fn(&mut ReplyBuffer), expected| check(write, expected, expected);
    same(&|reply| reply.error(b"ERR a\r\n+OK\nb\r\n"), "-ERR a  +OK b\r\n");
    same(&|reply| reply.error(b"\r\n"), "-\r\n");
    same(&|reply| reply.simple("a\r\nb"), "+a  b\r\n");
    check(|reply| reply.big_number("1\r\n"), "$3\r\n1\r\n\r\n", "(1  \r\n");
}

#[test]
fn deferred_headers_land_in_front_of_their_elements() {
    let nested = |reply: &mut ReplyBuffer| {
        reply.integer(1);
        let outer = reply.deferred_map();
        reply.bulk(b"key");
        let inner = reply.deferred_set();
        for number in 0..12 {
            reply.integer(number % 2);
        }
        reply.finish_set(inner, 12);
        reply.bulk(b"empty");
        let empty = reply.deferred_array();
        reply.finish_array(empty, 0);
        reply.finish_map(outer, 2);
        reply.ok();
    };
    let numbers = ":0\r\n:1\r\n".repeat(6);
    check(
        nested,
        &format!(":1\r\n*4\r\n$3\r\nkey\r\n*12\r\n{numbers}$5\r\nempty\r\n*0\r\n+OK\r\n"),
        &format!(":1\r\n%2\r\n$3\r\nkey\r\n~12\r\n{numbers}$5\r\nempty\r\n*0\r\n+OK\r\n"),
    );
}

#[test]
fn what_was_written_can_be_taken_back() {
    let mut reply = ReplyBuffer::new(Protocol::Resp3);
    reply.ok();
    let mark = reply.len();
    reply.null();
    reply.truncate(mark);
    reply.set_protocol(Protocol::Resp2);
    reply.null();
    assert_eq!(reply.as_bytes(), b"+OK\r\n$-1\r\n");
    reply.clear();
    assert_eq!(reply.protocol(), Protocol::Resp2);
    assert!(reply.is_empty());
}

/// Writes one random value, aggregates with all that is in them.
fn write_random_value(reply: &mut ReplyBuffer, random: &mut Random, depth: usize) {
    let noise: Vec<u8> =
        (0..random.below(12)).map(|_| b"\r\n:+-$*a0\xff\0"[random.below(11)]).collect();
    let text = String::from_utf8_lossy(&noise).into_owned();
    let len = random.below(4);
    let elements = |reply: &mut ReplyBuffer, random: &mut Random, count: usize| {
        (0..count).for_each(|_| write_random_value(reply, random, depth + 1));
    };
    match random.below(if depth < 4 { 21 } else { 14 }) {
        0 => reply.ok(),
        1 => reply.simple(&text),
        2 => reply.error(&noise),
        3 => reply.integer(random.next() as i64 >> random.below(64)),
        4 => reply.bulk(&noise),
        5 => reply.bulk_integer(random.next() as i64),
        6 => reply.null(),
        7 => reply.null_array(),
        8 => reply.double(f64::from_bits(random.next())),
        9 => reply.human_double(f64::from_bits(random.next())),
        10 => reply.big_number("-170141183460469231731687303715884105728"),
        11 => reply.boolean(len == 0),
        12 => reply.verbatim(&text, &noise),
        13 => reply.double(len as f64),
        14 => {
            reply.array(len);
            elements(reply, random, len);
        }
        15 => {
            reply.map(len);
            elements(reply, random, 2 * len);
        }
        16 => {
            reply.set(len);
            elements(reply, random, len);
        }
        17 => {
            reply.push(len);
            elements(reply, random, len);
        }
        18 => {
            let deferred = reply.deferred_array();
            elements(reply, random, len);
            reply.finish_array(deferred, len);
        }
        19 => {
            let deferred = reply.deferred_map();
            elements(reply, random, 2 * len);
            reply.finish_map(deferred, len);
        }
        _ => {
            let deferred = reply.deferred_set();
            elements(reply, random, len);
            reply.finish_set(deferred, len);
        }
    }
}

#[test]
fn every_reply_is_exactly_one_value() {
    let mut random = Random::new();
    for round in 0..20_000 {
        let mut reply =
            ReplyBuffer::new(if round % 2 == 0 { Protocol::Resp2 } else { Protocol::Resp3 });
        write_random_value(&mut reply, &mut random, 0);
        let bytes = reply.as_bytes();
        assert_eq!(value_len(bytes), Some(bytes.len()), "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_page_gets_its_cursor_when_it_is_known() {
    let mut reply = ReplyBuffer::new(Protocol::Resp3);
    reply.ok();
    let page = reply.deferred_page();
    reply.bulk(b"a");
    reply.bulk(b"b");
    reply.finish_page(page, u64::MAX, 2);
    let expected = b"+OK\r\n*2\r\n$20\r\n18446744073709551615\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n";
    assert_eq!(reply.as_bytes(), expected);
}

#[test]
fn values_that_do_not_fit_are_left_out() {
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        let mut reply = ReplyBuffer::new(protocol);
        reply.limit(20);
        reply.bulk(&[b'x'; 10]);
        assert!(!reply.is_over() && reply.goes_on().is_continue());
        let len = reply.len();
        reply.verbatim("txt", &[b'x'; 10]);
        assert!(reply.is_over() && reply.goes_on().is_break());
        assert_eq!(reply.len(), len);
        reply.truncate(0);
        assert!(!reply.is_over());
    }
}
