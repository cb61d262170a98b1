//! Tests of the request parser.

use super::*;

/// What a run over a byte sequence gives: the requests' arguments, then perhaps an error.
type Outcome = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>, usize);

/// Feeds `input` up to each of `cuts` in turn, then whole, and collects what the parser finds.
fn run(input: &[u8], cuts: &[usize], limits: &RequestLimits) -> Outcome {
    let mut parser = RequestParser::default();
    let (mut spans, mut inline) = (Vec::new(), Vec::new());
    let (mut requests, mut start) = (Vec::new(), 0);
    for &end in cuts.iter().chain([&input.len()]) {
        while start <= end {
            let visible = &input[start..end];
            let (frame, consumed) = match parser.next(visible, limits, &mut spans, &mut inline) {
                Ok(Parsed::Multibulk { consumed }) => (visible, consumed),
                Ok(Parsed::Inline { consumed }) => (inline.as_slice(), consumed),
                Ok(Parsed::Incomplete { frame_bytes_min }) => {
                    assert!(frame_bytes_min > visible.len());
                    break;
                }
                Err(error) => return (requests, Some(error), start),
            };
            assert!(consumed > 0 && consumed <= visible.len());
            requests.push(spans.iter().map(|span| span.of(frame).to_vec()).collect());
            start += consumed;
        }
    }
    (requests, None, start)
}

/// Runs `input` whole, byte by byte and cut in two everywhere; all must agree.
fn run_every_way(input: &[u8], limits: &RequestLimits) -> Outcome {
    let whole = run(input, &[], limits);
    let bytewise: Vec<usize> = (0..input.len()).collect();
    assert_eq!(run(input, &bytewise, limits), whole, "byte by byte: {input:?}");
    if input.len() <= 512 {
        for cut in 0..input.len() {
            assert_eq!(run(input, &[cut], limits), whole, "cut at {cut}: {input:?}");
        }
    }
    whole
}

fn check(input: &[u8], expected: &[&[&[u8]]], error: Option<ProtocolError>) {
    check_within(&RequestLimits::default(), input, expected, error);
}

fn check_within(
    limits: &RequestLimits,
    input: &[u8],
    expected: &[&[&[u8]]],
    error: Option<ProtocolError>,
) {
    let (requests, found, _) = run_every_way(input, limits);
    assert_eq!(requests, expected, "{:?}", String::from_utf8_lossy(input));
    assert_eq!(found, error, "{:?}", String::from_utf8_lossy(input));
}

#[test]
fn finds_pipelined_requests_of_both_kinds() {
    check(
        b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING  \"a b\"\r\n*1\r\n$0\r\n\r\n\n*0\r\n*-1\r\n\r\nx\n",
        &[&[b"GET", b"k"], &[b"PING", b"a b"], &[b""], &[], &[], &[], &[], &[b"x"]],
        None,
    );
}
