//! Tests of the reply encoder.

use super::*;

fn check(write: impl Fn(&mut ReplyBuffer), resp2: &[u8], resp3: &[u8]) {
    for (protocol, expected) in [(Protocol::Resp2, resp2), (Protocol::Resp3, resp3)] {
        let mut reply = ReplyBuffer::new(protocol);
        write(&mut reply);
        let text = String::from_utf8_lossy(reply.as_bytes());
        assert_eq!(reply.as_bytes(), expected, "{protocol:?}: {text:?}");
    }
}

#[test]
fn encodes_every_kind_in_both_versions() {
    check(|reply| reply.map(2), b"*4\r\n", b"%2\r\n");
    check(|reply| reply.integer(-12), b":-12\r\n", b":-12\r\n");
    check(|reply| reply.double(0.1), b"$3\r\n0.1\r\n", b",0.1\r\n");
    check(|reply| reply.error(b"ERR a\r\nb\r\n"), b"-ERR a  b\r\n", b"-ERR a  b\r\n");
}
