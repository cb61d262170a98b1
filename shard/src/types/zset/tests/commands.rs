//! Replies that are of Redis 7.2, and those whose shape depends on the protocol.

use super::{both_forms, check, chill};
use crate::resp::Protocol;

#[test]
fn ranks_come_with_scores() {
    for mut shard in both_forms() {
        check(
            &mut shard,
            &[
                ("ZADD z 1 a 2.5 b 3 c", ":3"),
                ("ZRANK z b", ":1"),
                ("ZRANK z b WITHSCORE", "*2 :1 $3 2.5"),
                ("ZREVRANK z a withscore", "*2 :2 $1 1"),
                ("ZRANK z x", "$-1"),
                ("ZRANK z x WITHSCORE", "*-1"),
                ("ZRANK nosuch x WITHSCORE", "*-1"),
                ("ZRANK z b WITHSCORES", "-ERR syntax error"),
                ("ZRANK z b WITHSCORE x", "-ERR wrong number of arguments for 'zrank' command"),
            ],
        );
        shard.protocol = Protocol::Resp3;
        check(
            &mut shard,
            &[
                ("ZRANK z b WITHSCORE", "*2 :1 ,2.5"),
                ("ZRANK z x WITHSCORE", "_"),
                ("ZRANGE z 0 0 WITHSCORES", "*1 *2 $1 a ,1"),
                ("ZMSCORE z a x", "*2 ,1 _"),
                ("ZPOPMIN z", "*2 $1 a ,1"),
                ("ZPOPMAX z 1", "*1 *2 $1 c ,3"),
                ("ZMPOP 2 nosuch z MIN", "*2 $1 z *1 *2 $1 b ,2.5"),
                ("ZMPOP 2 nosuch z MIN", "_"),
                ("EXISTS z", ":0"),
            ],
        );
    }
}

#[test]
fn scores_are_printed_as_7_2_does() {
    for mut shard in both_forms() {
        check(
            &mut shard,
            &[
                ("ZADD z 0.1 a 1e20 b -inf c 3.0 d -0 e", ":5"),
                ("ZSCORE z a", "$3 0.1"),
                ("ZSCORE z b", "$5 1e+20"),
                ("ZSCORE z c", "$4 -inf"),
                ("ZSCORE z d", "$1 3"),
                ("ZSCORE z e", "$1 0"),
                ("ZADD z INCR inf c", "-ERR resulting score is not a number (NaN)"),
                ("ZINCRBY z 0.2 a", "$19 0.30000000000000004"),
            ],
        );
    }
}

#[test]
fn what_is_on_the_disk_is_found_and_changed_there() {
    for mut shard in both_forms() {
        let members: Vec<String> = (0..300).map(|n| format!("{n} m{n:03}")).collect();
        shard.settings.zset_max_listpack_entries *= 10;
        assert_eq!(shard.run(&format!("ZADD z {}", members.join(" "))), ":300");
        for (command, reply) in [
            ("ZSCORE z m150", "$3 150"),
            ("ZRANK z m150", ":150"),
            ("ZRANGE z 99 100", "*2 $4 m099 $4 m100"),
            ("ZCOUNT z (10 20", ":10"),
            ("ZADD z 1000 m000", ":0"),
            ("ZREVRANK z m000", ":0"),
            ("ZREMRANGEBYSCORE z 5 104", ":100"),
            ("ZSCORE z m104", "$-1"),
            ("ZCARD z", ":200"),
            ("ZREM z m001 m002 m003 m004", ":4"),
            ("ZPOPMIN z", "*2 $4 m105 $3 105"),
            ("ZREMRANGEBYRANK z 0 -1", ":195"),
            ("EXISTS z", ":0"),
        ] {
            chill(&mut shard);
            assert_eq!(shard.run(command), reply, "{command}");
            shard.engine.set_cold(false);
        }
    }
}

#[test]
fn changes_are_counted_by_members() {
    for mut shard in both_forms() {
        for (command, count) in [
            ("ZADD z 1 a 2 b 3 c", 3),
            ("ZADD z CH 1 a 5 b 6 d", 2),
            ("ZREM z a nosuch", 1),
            ("ZPOPMAX z 2", 2),
        ] {
            let before = shard.shard.listeners.changes_made();
            shard.run(command);
            assert_eq!(shard.shard.listeners.changes_made() - before, count, "{command}");
        }
    }
}
