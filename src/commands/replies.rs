//! What commands of the process answer alike: errors, lists of subcommands.

use basalt_shard::command::Args;
use basalt_shard::error::CommandError;
use basalt_shard::resp::ReplyBuffer;

use crate::thread::process_command::ProcessContext;

/// An error reply, without the leading `-`. May quote any bytes that the client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure(pub(crate) Vec<u8>);

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Reply(text) => Self::from(text.as_ref()),
            other => Self(format!("ERR {other:?}").into_bytes()),
        }
    }
}

impl Failure {
    /// An error that quotes `word` in the place of the first `%`.
    pub(crate) fn quoting(text: &str, word: &[u8]) -> Self {
        let (before, after) = text.split_once('%').unwrap_or((text, ""));
        Self([before.as_bytes(), word, after.as_bytes()].concat())
    }

    /// The subcommand does not take these arguments.
    pub(crate) fn subcommand(args: Args<'_>) -> Self {
        /// Bytes of what the client sent that an error repeats, as in Redis.
        const WORD_BYTES_MAX: usize = 128;
        let word = args.get(1);
        let word = &word[..word.len().min(WORD_BYTES_MAX)];
        let name = String::from_utf8_lossy(args.get(0)).to_uppercase();
        let text = format!(
            "ERR unknown subcommand or wrong number of arguments for '%'. Try {name} HELP."
        );
        Self::quoting(&text, word)
    }
}

/// Runs a command that may fail, and answers with its error if it does.
pub(crate) fn answer(
    context: &mut ProcessContext<'_>,
    run: fn(&mut ProcessContext<'_>) -> Result<(), Failure>,
) {
    let start = context.reply.len();
    if let Err(failure) = run(context) {
        context.reply.truncate(start);
        context.reply.error(&failure.0);
    }
}

/// The answer to HELP: what the subcommands of `command` are.
pub(crate) fn help(reply: &mut ReplyBuffer, command: &str, lines: &[&str]) {
    reply.array(lines.len() + 3);
    let first = format!("{command} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    reply.simple(&first);
    for line in lines.iter().chain(&["HELP", "    Print this help."]) {
        reply.simple(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use basalt_shard::resp::{Protocol, Span};

    #[test]
    fn errors_quote_what_was_sent() {
        let frame = b"client\xffpause";
        let spans = [Span { start: 0, len: 6 }, Span { start: 6, len: 6 }];
        let failure = Failure::subcommand(Args::new(frame, &spans));
        let expected = b"ERR unknown subcommand or wrong number of arguments for '\xffpause'. \
                         Try CLIENT HELP.";
        assert_eq!(failure.0, expected);
    }

    #[test]
    fn help_announces_as_many_lines_as_it_has() {
        let mut reply = ReplyBuffer::new(Protocol::Resp2);
        help(&mut reply, "CLIENT", &["ID", "    Tell the number of this connection."]);
        let text = String::from_utf8_lossy(reply.as_bytes()).into_owned();
        assert_eq!(text.matches("\r\n+").count(), 5, "{text}");
        assert!(text.starts_with("*5\r\n+CLIENT <subcommand> "), "{text}");
    }
}
