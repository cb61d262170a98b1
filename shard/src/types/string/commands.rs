//! Reading and setting whole strings.

use bytes::Bytes;

use crate::command::Args;
use crate::error::CommandResult;
use crate::keyspace::head::{Body, Head, Kind};
use crate::resp::ReplyBuffer;
use crate::view::View;

pub(super) fn get(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    match view.open_kind(args.get(1), Kind::String)?.head {
        Some(Head { body: Body::Inline(value), .. }) => reply.bulk(&value),
        _ => reply.null(),
    }
    Ok(())
}

pub(super) fn set(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let key = view.open(args.get(1))?;
    view.put(&key, &Head::string(Bytes::copy_from_slice(args.get(2))));
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestShard;

    #[test]
    fn a_string_comes_back_hot_and_cold() {
        let mut shard = TestShard::new();
        assert_eq!(shard.run("GET a"), "$-1");
        assert_eq!(shard.run("SET a 1"), "+OK");
        assert_eq!(shard.run("GET a"), "$1 1");
        shard.shard.cache().clear();
        shard.engine.set_cold(true);
        assert_eq!(shard.run("GET a"), "$1 1");
        assert_eq!(shard.run("SET b 2"), "+OK");
        assert_eq!(shard.run("GET b"), "$1 2");
    }
}
