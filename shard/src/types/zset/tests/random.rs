//! ZRANDMEMBER: every member comes, and none more often than it should.

use std::collections::HashMap;

use super::both_forms;

const MEMBERS: usize = 200;

fn names(reply: &str) -> Vec<&str> {
    reply.split(' ').filter(|word| word.starts_with('m')).collect()
}

#[test]
fn members_are_drawn_evenly() {
    for mut shard in both_forms() {
        shard.settings.zset_max_listpack_entries *= 10;
        let pairs: Vec<String> = (0..MEMBERS).map(|n| format!("{} m{n}", n / 3)).collect();
        shard.run(&format!("ZADD z {}", pairs.join(" ")));
        for count in ["", " 2", " 50", " -40"] {
            let mut times: HashMap<String, usize> = HashMap::new();
            let mut drawn = 0;
            while drawn < 20_000 {
                let reply = shard.run(&format!("ZRANDMEMBER z{count}"));
                let mut found = names(&reply);
                drawn += found.len();
                for name in &found {
                    *times.entry((*name).to_owned()).or_default() += 1;
                }
                if !count.starts_with(" -") {
                    let len = found.len();
                    found.sort_unstable();
                    found.dedup();
                    assert_eq!(found.len(), len, "{reply}");
                }
            }
            assert_eq!(times.len(), MEMBERS, "{count}");
            // A hundred times on average; six deviations are 60.
            let (least, most) = (times.values().min().unwrap(), times.values().max().unwrap());
            assert!(*least > 40 && *most < 170, "{count}: {least} to {most}");
        }
    }
}

#[test]
fn counts_are_checked_as_redis_does() {
    for mut shard in both_forms() {
        shard.run("ZADD z 1 a 2 b");
        for (command, reply) in [
            ("ZRANDMEMBER nosuch", "$-1"),
            ("ZRANDMEMBER nosuch 5", "*0"),
            ("ZRANDMEMBER z 0", "*0"),
            ("ZRANDMEMBER z 5 WITHSCORES", "*4 $1 b $1 2 $1 a $1 1"),
            ("ZRANDMEMBER z x", "-ERR value is not an integer or out of range"),
            ("ZRANDMEMBER z 1 WITHSCORE", "-ERR syntax error"),
            ("ZRANDMEMBER z 1 WITHSCORES x", "-ERR syntax error"),
            ("ZRANDMEMBER z 9223372036854775807 WITHSCORES", "-ERR value is out of range"),
        ] {
            assert_eq!(shard.run(command), reply, "{command}");
        }
        let reply = shard.run("ZRANDMEMBER z -9223372036854775807");
        assert_eq!(reply, "-ERR the reply would be longer than proto-max-bulk-len");
        assert_eq!(shard.run("ZRANDMEMBER z -5").matches("$1").count(), 5);
    }
}
