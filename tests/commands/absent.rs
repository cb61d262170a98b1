//! Every command of redis-server is there, if only to say that its feature is not used, or stands
//! here as one whose feature is to come.

use std::collections::BTreeSet;

use crate::common::{Server, Value};

/// What is to come with a feature, subcommands included.
const TO_COME: &[&str] = &[
    // Waiting for lists and sorted sets.
    "blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin",
    // Sorting, and values as bytes.
    "migrate restore-asking sort sort_ro",
    // Transactions.
    "discard exec multi unwatch watch",
    // Scripts.
    "eval eval_ro evalsha evalsha_ro fcall fcall_ro function script",
    // Replicas, who have to be told that they cannot be any.
    "psync replconf sync",
];

#[test]
fn a_command_of_redis_is_there_or_to_come_with_its_feature() {
    let Some(oracle) = Server::oracle() else { return };
    let target = Server::start();
    let [all, known] = [&oracle, &target].map(|server| {
        let names = server.client().run("COMMAND LIST").items();
        names.iter().map(Value::text).collect::<BTreeSet<String>>()
    });
    let to_come: BTreeSet<&str> = TO_COME.iter().flat_map(|line| line.split(' ')).collect();
    let container = |name: &str| name.split('|').next().unwrap_or_default().to_owned();
    let missing: Vec<&String> =
        all.difference(&known).filter(|name| !to_come.contains(container(name).as_str())).collect();
    assert!(missing.is_empty(), "neither there nor to come: {missing:?}");
    if !target.is_redis() {
        let there: Vec<&&str> = to_come.iter().filter(|name| known.contains(**name)).collect();
        assert!(there.is_empty(), "there, and no more to come: {there:?}");
    }
}
