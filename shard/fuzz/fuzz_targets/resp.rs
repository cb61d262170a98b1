//! Whatever bytes come, in whatever pieces: the parser finds the same requests and the same error,
//! its spans lie within the frame, and its error is one line.

#![no_main]

use basalt_shard_fuzz::resp::{
    Parsed, ProtocolError, ReplyBuffer, RequestLimits, RequestParser, Span,
};
use libfuzzer_sys::fuzz_target;

type Outcome = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>, usize);

/// Shows the parser more of the input at every step, `step` bytes at a time.
fn run(input: &[u8], step: usize, limits: &RequestLimits) -> Outcome {
    let mut parser = RequestParser::default();
    let (mut spans, mut inline) = (Vec::<Span>::new(), Vec::new());
    let (mut requests, mut start, mut end) = (Vec::new(), 0, 0);
    loop {
        let visible = &input[start..end];
        let (frame, consumed) = match parser.next(visible, limits, &mut spans, &mut inline) {
            Ok(Parsed::Multibulk { consumed }) => (visible, consumed),
            Ok(Parsed::Inline { consumed }) => (inline.as_slice(), consumed),
            Ok(Parsed::Incomplete { frame_bytes_min }) => {
                assert!(frame_bytes_min > visible.len());
                if end == input.len() {
                    return (requests, None, start);
                }
                end = input.len().min(end + step);
                continue;
            }
            Err(error) => return (requests, Some(error), start),
        };
        assert!(consumed > 0 && consumed <= visible.len());
        for span in &spans {
            assert!(span.start as usize + span.len as usize <= frame.len());
        }
        requests.push(spans.iter().map(|span| span.of(frame).to_vec()).collect());
        start += consumed;
    }
}

fuzz_target!(|data: &[u8]| {
    let [options, step, input @ ..] = data else { return };
    let limits = RequestLimits {
        authenticated: options & 1 == 0,
        inline_bytes_max: if options & 2 == 0 { 65536 } else { 16 },
        ..Default::default()
    };
    let whole = run(input, input.len().max(1), &limits);
    assert_eq!(run(input, 1, &limits), whole);
    assert_eq!(run(input, 1 + usize::from(*step), &limits), whole);
    if let Some(error) = whole.1 {
        let mut reply = ReplyBuffer::default();
        reply.error(&error.message());
        let line = reply.as_bytes().strip_suffix(b"\r\n").expect("a whole line");
        assert!(!line.contains(&b'\r') && !line.contains(&b'\n'));
    }
});
