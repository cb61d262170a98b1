//! Tests of the request parser: tables, every way to cut the input, and redis-server as judge.

use super::*;
use crate::oracle::{Connection, Oracle, Random, value_len};

type Request = Vec<Vec<u8>>;

/// What the parser makes of some bytes.
#[derive(Debug, PartialEq)]
struct Outcome {
    requests: Vec<Request>,
    error: Option<ProtocolError>,
    /// Bytes of whole requests.
    consumed: usize,
}

/// Shows the parser the input up to each of `cuts` in turn, and at last all of it.
fn run(input: &[u8], cuts: &[usize], limits: &RequestLimits) -> Outcome {
    let mut parser = RequestParser::default();
    let (mut spans, mut inline) = (Vec::new(), Vec::new());
    let mut outcome = Outcome { requests: Vec::new(), error: None, consumed: 0 };
    for &end in cuts.iter().chain([&input.len()]) {
        while outcome.consumed <= end {
            let visible = &input[outcome.consumed..end];
            let (frame, consumed) = match parser.next(visible, limits, &mut spans, &mut inline) {
                Ok(Parsed::Multibulk { consumed }) => (visible, consumed),
                Ok(Parsed::Inline { consumed }) => (inline.as_slice(), consumed),
                Ok(Parsed::Incomplete { frame_bytes_min }) => {
                    assert!(frame_bytes_min > visible.len());
                    break;
                }
                Err(error) => return Outcome { error: Some(error), ..outcome },
            };
            assert!(consumed > 0 && consumed <= visible.len());
            outcome.requests.push(spans.iter().map(|span| span.of(frame).to_vec()).collect());
            outcome.consumed += consumed;
        }
    }
    outcome
}

/// Runs `input` whole, byte by byte, and cut in two everywhere; all must agree.
fn run_every_way(input: &[u8], limits: &RequestLimits) -> Outcome {
    let whole = run(input, &[], limits);
    let bytewise: Vec<usize> = (0..input.len()).collect();
    assert_eq!(run(input, &bytewise, limits), whole, "byte by byte: {}", input.escape_ascii());
    if input.len() <= 256 {
        for cut in bytewise {
            assert_eq!(run(input, &[cut], limits), whole, "cut at {cut}: {}", input.escape_ascii());
        }
    }
    whole
}

fn check(
    limits: &RequestLimits,
    input: &[u8],
    requests: &[&[&[u8]]],
    error: Option<ProtocolError>,
) {
    let outcome = run_every_way(input, limits);
    assert_eq!(outcome.requests, requests, "{}", input.escape_ascii());
    assert_eq!(outcome.error, error, "{}", input.escape_ascii());
}

#[test]
fn finds_pipelined_requests_of_both_kinds() {
    check(
        &RequestLimits::default(),
        b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING  \"a b\"\r\n*1\r\n$0\r\n\r\n\n*0\r\n*-1\r\n\r\nx\n",
        &[&[b"GET", b"k"], &[b"PING", b"a b"], &[b""], &[], &[], &[], &[], &[b"x"]],
        None,
    );
}

#[test]
fn is_as_lenient_as_redis() {
    let limits = RequestLimits::default();
    // The byte after a CR, and those after a bulk, are not looked at.
    check(&limits, b"*1\rX$1\rXaXY*1\r\n$1\r\nb\r\n", &[&[b"a"], &[b"b"]], None);
    // A NUL hides the rest of a line.
    check(&limits, b"PI\0NG\r\nPING\r\n", &[], None);
    check(&limits, b"*1\0\r\n$1\r\na\r\n", &[], None);
    check(&limits, b"*1\r\n$1\r\n\0\r\n", &[&[b"\0"]], None);
    check(&limits, b"*1\r\n\x001\r\na\r\n", &[], None);
    // A request that begins with anything but `*` is an inline one.
    check(&limits, b"$3\r\nGET\r\n+OK\n", &[&[b"$3"], &[b"GET"], &[b"+OK"]], None);
}

#[test]
fn refuses_malformed_frames() {
    use ProtocolError::*;
    let limits = RequestLimits::default();
    for (input, error) in [
        (b"*\r\n".as_slice(), InvalidMultibulkLength),
        (b"*x\r\n", InvalidMultibulkLength),
        (b"*1x\r\n", InvalidMultibulkLength),
        (b"*01\r\n", InvalidMultibulkLength),
        (b"*-0\r\n", InvalidMultibulkLength),
        (b"*+1\r\n", InvalidMultibulkLength),
        (b"* 1\r\n", InvalidMultibulkLength),
        (b"*1\n\r\n", InvalidMultibulkLength),
        (b"*2147483648\r\n", InvalidMultibulkLength),
        (b"*99999999999999999999\r\n", InvalidMultibulkLength),
        (b"*1\r\n$\r\n", InvalidBulkLength),
        (b"*1\r\n$-1\r\n", InvalidBulkLength),
        (b"*1\r\n$1 \r\n", InvalidBulkLength),
        (b"*1\r\n$536870913\r\n", InvalidBulkLength),
        (b"*1\r\n$18446744073709551617\r\n", InvalidBulkLength),
        (b"*1\r\n:1\r\n", ExpectedDollar(b':')),
        (b"*1\r\nfoo\r\n", ExpectedDollar(b'f')),
        (b"*1\r\n\r\n\r\n", ExpectedDollar(b'\r')),
        (b"*1\r\n\xff\r\n", ExpectedDollar(0xff)),
        (b"*3\r\n$1\r\na\r\n$1\r\nbc\r\n$1\r\n", ExpectedDollar(b'\n')),
        (b"GET \"a\r\n", UnbalancedQuotes),
    ] {
        check(&limits, input, &[], Some(error));
    }
    let largest_bulk = run(b"*1\r\n$536870912\r\n", &[], &limits);
    assert_eq!(largest_bulk.error, None);
    let most_arguments = run(b"*2147483647\r\n", &[], &limits);
    assert_eq!(most_arguments.error, None);
}

#[test]
fn a_frame_stays_below_four_gigabytes() {
    let limits = RequestLimits { bulk_bytes_max: usize::MAX, ..Default::default() };
    // 17 bytes of lines and 2 at the end: the first frame has just 2^32 - 1.
    assert_eq!(run(b"*1\r\n$4294967276\r\n", &[], &limits).error, None);
    for input in [b"*1\r\n$4294967277\r\n".as_slice(), b"*1\r\n$9223372036854775807\r\n"] {
        assert_eq!(run(input, &[], &limits).error, Some(ProtocolError::InvalidBulkLength));
    }
}

#[test]
fn holds_unauthenticated_clients_short() {
    use ProtocolError::*;
    let limits = RequestLimits { authenticated: false, ..Default::default() };
    check(&limits, b"*11\r\n", &[], Some(UnauthenticatedMultibulkLength));
    check(&limits, b"*10\r\n", &[], None);
    check(&limits, b"*2147483648\r\n", &[], Some(InvalidMultibulkLength));
    check(&limits, b"*1\r\n$16385\r\n", &[], Some(UnauthenticatedBulkLength));
    check(&limits, b"*1\r\n$16384\r\n", &[], None);
    check(&limits, b"*1\r\n$536870913\r\n", &[], Some(InvalidBulkLength));
    check(
        &limits,
        b"a b c d e f g h i j k\n",
        &[&[b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h", b"i", b"j", b"k"]],
        None,
    );
}

#[test]
fn lines_without_end_are_refused() {
    use ProtocolError::*;
    let limits = RequestLimits { inline_bytes_max: 100, ..Default::default() };
    for (start, filler, error) in [
        ("*", b'1', MultibulkCountTooBig),
        ("*1\r\n$", b'1', BulkCountTooBig),
        ("*1\r\n", b'x', BulkCountTooBig),
        ("*", b'\0', MultibulkCountTooBig),
        ("", b'x', InlineTooBig),
        ("", b'\0', InlineTooBig),
    ] {
        // Exactly at the limit nothing is wrong yet; one byte more, whatever it is, is too much.
        let line_start = start.rfind('\n').map_or(0, |end| end + 1);
        let mut input = start.as_bytes().to_vec();
        input.resize(line_start + 100, filler);
        check(&limits, &input, &[], None);
        input.push(filler);
        check(&limits, &input, &[], Some(error));
        input.extend_from_slice(b"\r\n");
        check(&limits, &input, &[], Some(error));
    }
    let line = [[b'x'; 100].as_slice(), b"\n"].concat();
    check(&limits, &line, &[&[&line[..100]]], None);
}

#[test]
fn says_how_large_the_frame_will_be() {
    let limits = RequestLimits::default();
    for (input, expected) in [
        ("", 1),
        ("*", 2),
        ("PI", 3),
        ("*2\r\n", 4 + 12),
        ("*2\r\n$10\r\n", 9 + 12 + 6),
        ("*2\r\n$10\r\n0123456789\r", 9 + 12 + 6),
        ("*2\r\n$10\r\n0123456789\r\n", 9 + 12 + 6),
        ("*2\r\n$10\r\n0123456789\r\n$1\r\na\r", 21 + 7),
    ] {
        let mut parser = RequestParser::default();
        let parsed = parser.next(input.as_bytes(), &limits, &mut Vec::new(), &mut Vec::new());
        assert_eq!(parsed, Ok(Parsed::Incomplete { frame_bytes_min: expected }), "{input:?}");
    }
}

#[test]
fn a_declared_length_reserves_nothing() {
    let mut parser = RequestParser::default();
    let (mut spans, mut inline) = (Vec::new(), Vec::new());
    let input = b"*2147483647\r\n$536870912\r\n";
    parser.next(input, &RequestLimits::default(), &mut spans, &mut inline).unwrap();
    assert_eq!((spans.capacity(), inline.capacity()), (0, 0));
}

/// Pieces of requests, whole and broken.
const PIECES: [&[u8]; 34] = [
    b"*1\r\n",
    b"*2\r\n",
    b"*3\r\n",
    b"*0\r\n",
    b"*-1\r\n",
    b"*11\r\n",
    b"$4\r\n",
    b"$1\r\n",
    b"$0\r\n",
    b"$-1\r\n",
    b"$16385\r\n",
    b"$4\r\nECHO\r\n",
    b"$4\r\nECHO\r\n",
    b"$1\r\nx\r\n",
    b"$1\r\nx\r\n",
    b"$0\r\n\r\n",
    b"ECHO",
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"*",
    b"$",
    b"1",
    b"-",
    b" ",
    b"\"",
    b"'",
    b"\\x41",
    b"\xff",
    b"PING\r\n",
    b"ECHO 'a b'\n",
    b"*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\n",
    b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n",
];

fn random_input(random: &mut Random) -> Vec<u8> {
    let mut input: Vec<u8> =
        (0..1 + random.below(14)).flat_map(|_| random.pick(&PIECES).to_vec()).collect();
    if random.below(4) == 0 {
        let at = random.below(input.len());
        input[at] = random.next() as u8;
    }
    input
}

#[test]
fn random_bytes_give_one_outcome_however_they_are_cut() {
    let mut random = Random::new();
    for round in 0..20_000 {
        let limits = RequestLimits {
            authenticated: round % 2 == 0,
            inline_bytes_max: if round % 3 == 0 { 10 } else { 65536 },
            ..Default::default()
        };
        run_every_way(&random_input(&mut random), &limits);
        let noise: Vec<u8> = (0..random.below(40)).map(|_| random.next() as u8).collect();
        run_every_way(&noise, &limits);
    }
}

/// Sends `input` to Redis; its answer must show the same requests and the same error.
fn check_against_redis(
    redis: &mut Connection,
    other: &mut Connection,
    input: &[u8],
    limits: &RequestLimits,
) {
    let outcome = run(input, &[], limits);
    let answer = redis.answer(input, other);
    let shown = format!("{}: {}", input.escape_ascii(), answer.escape_ascii());
    let mut replies = Vec::new();
    let mut rest = answer.as_slice();
    while let Some(len) = value_len(rest) {
        replies.push(&rest[..len]);
        rest = &rest[len..];
    }
    if let Some(error) = outcome.error {
        let mut expected = crate::resp::ReplyBuffer::default();
        expected.error(&error.message());
        assert_eq!(replies.pop(), Some(expected.as_bytes()), "{shown}");
    }
    let requests: Vec<_> = outcome.requests.iter().filter(|request| !request.is_empty()).collect();
    assert_eq!(replies.len(), requests.len(), "{shown} {requests:?}");
    for (request, reply) in requests.into_iter().zip(replies) {
        let is_echo = [b"echo", b"ping"].iter().any(|name| request[0].eq_ignore_ascii_case(*name));
        if limits.authenticated && request.len() == 2 && is_echo {
            assert_eq!(crate::oracle::bulk(reply).unwrap_or_default(), request[1], "{shown}");
        } else {
            assert_ne!(reply[0], b'$', "{shown} {request:?}");
        }
    }
}

#[test]
fn random_requests_are_read_as_by_redis() {
    let mut random = Random::new();
    for authenticated in [true, false] {
        let password: &[&str] = if authenticated { &[] } else { &["--requirepass", "secret"] };
        let Some(oracle) = Oracle::start(password) else { return };
        let limits = RequestLimits { authenticated, ..Default::default() };
        let mut other = oracle.connect();
        for _ in 0..4000 {
            let input = random_input(&mut random);
            check_against_redis(&mut oracle.connect(), &mut other, &input, &limits);
        }
    }
}

#[test]
fn inline_words_are_those_of_redis() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let (mut redis, mut other) = (oracle.connect(), oracle.connect());
    let mut random = Random::new();
    let pieces: [&[u8]; 18] = [
        b"a", b"b", b" ", b"\t", b"\r", b"\x0b", b"\x0c", b"\"", b"\"", b"'", b"'", b"\\", b"\\x4",
        b"\\x41", b"\\n", b"\\'", b"\xff", b"\\\"",
    ];
    for _ in 0..4000 {
        let mut line = b"EVAL \"return ARGV\" 0 ".to_vec();
        for _ in 0..random.below(10) {
            line.extend_from_slice(random.pick(&pieces));
        }
        line.push(b'\n');
        let answer = redis.answer(&line, &mut other);
        let outcome = run_every_way(&line, &RequestLimits::default());
        let mut expected = crate::resp::ReplyBuffer::default();
        match &outcome {
            Outcome { error: Some(error), .. } => {
                expected.error(&error.message());
                redis = oracle.connect();
            }
            Outcome { requests, .. } => {
                let words = &requests[0][3..];
                expected.array(words.len());
                words.iter().for_each(|word| expected.bulk(word));
            }
        }
        assert_eq!(answer, expected.as_bytes(), "{}: {outcome:?}", line.escape_ascii());
    }
}

#[test]
fn lines_may_be_as_long_as_in_redis() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut other = oracle.connect();
    for (start, filler) in [("*", b'1'), ("*1\r\n$", b'1'), ("", b'x'), ("", b'\0')] {
        let mut redis = oracle.connect();
        let line_start = start.rfind('\n').map_or(0, |end| end + 1);
        let mut input = start.as_bytes().to_vec();
        input.resize(line_start + 65536, filler);
        for piece in input.chunks(16384) {
            assert_eq!(redis.answer(piece, &mut other), b"", "{start:?}");
        }
        assert_eq!(run(&input, &[], &RequestLimits::default()).error, None);
        input.push(filler);
        let mut expected = crate::resp::ReplyBuffer::default();
        expected.error(&run(&input, &[], &RequestLimits::default()).error.unwrap().message());
        assert_eq!(redis.answer(&[filler], &mut other), expected.as_bytes(), "{start:?}");
    }
}

#[test]
fn says_how_many_arguments_there_will_be() {
    let (mut parser, limits) = (RequestParser::default(), RequestLimits::default());
    let (mut spans, mut inline) = (Vec::new(), Vec::new());
    let frame = b"*5\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n$1\r\ne\r\n";
    for end in 0..=frame.len() {
        parser.next(&frame[..end], &limits, &mut spans, &mut inline).unwrap();
        let is_under_way = (4..frame.len()).contains(&end);
        let expected = if is_under_way { 5 } else { 0 };
        assert_eq!(parser.announced_arguments(&spans), expected, "{end}");
    }
}
