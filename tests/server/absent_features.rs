//! Clusters, modules, replicas, users, tracking of keys: who asks about a feature that is not
//! there hears what a redis-server answers that does not use it.

use crate::common::server::Options;
use crate::common::{Client, Server, Value};

/// One a line; each is answered as redis-server answers it, word for word.
const LINES: &str = "\
cluster nodes
cluster info
cluster slots
cluster shards
cluster myid
cluster keyslot key
cluster countkeysinslot 0
cluster getkeysinslot 0 10
cluster links
cluster help
cluster meet 127.0.0.1 7000
cluster reset
cluster nosuch
cluster keyslot
cluster
readonly
readwrite
asking
readonly x
module list
module nosuch
module
acl whoami
acl users
acl list
acl getuser default
acl getuser nobody
acl cat
acl cat nosuch
acl cat read write
acl cat scripting x
acl genpass 0
acl genpass 4097
acl genpass -5
acl genpass x
acl genpass 5 x
acl log
acl log 10
acl log -1
acl log reset
acl log x
acl log 1 2
acl deluser nobody
acl deluser nobody nobody
acl deluser nobody default
acl deluser
acl dryrun default get key
acl dryrun default get
acl dryrun default acl
acl dryrun default acl whoami
acl dryrun default nosuch
acl dryrun nobody get key
acl whoami x
acl nosuch
acl
wait 0 0
wait 0 10
wait -1 0
wait 1 1
wait x 0
wait 0 x
wait 0 -1
wait 0
replicaof no one
slaveof No One
replicaof host x
replicaof host 65536
replicaof host -1
replicaof no two
replicaof no
role
failover
failover abort
failover abort x
failover to 127.0.0.1 7000
failover to 127.0.0.1
failover to 127.0.0.1 x
failover to 127.0.0.1 7000 force timeout 10
failover to 127.0.0.1 7000 to 127.0.0.1 7000
failover timeout 0
failover timeout x
failover force force
failover x
sentinel masters
sentinel
save x
bgsave x
bgsave schedule x
bgrewriteaof x
waitaof
client tracking off
client tracking x
client tracking
client caching yes
client caching no
client caching x
";

#[test]
fn tools_hear_that_a_feature_is_not_used_and_not_that_its_command_is_unknown() {
    let Some(oracle) = Server::oracle() else { return };
    for shards in [1, 2] {
        let target = Server::with(Options::default().shards(shards));
        for protocol in ["2", "3"] {
            let mut clients = [oracle.client(), target.client()];
            for client in &mut clients {
                client.call(&["HELLO", protocol]);
            }
            let mut differences = Vec::new();
            for line in LINES.lines().filter(|line| !line.starts_with("waitaof")) {
                let [expected, found] = clients.each_mut().map(|client| client.run(line));
                if expected != found {
                    differences.push(format!("{line}: {expected:?}, here {found:?}"));
                }
            }
            assert!(differences.is_empty(), "RESP{protocol}:\n{}", differences.join("\n"));
        }
    }
}

#[test]
fn what_would_use_an_absent_feature_is_told_so_and_what_to_do() {
    let server = Server::start();
    let mut client = server.client();
    for (line, says, advises) in [
        ("REPLICAOF 127.0.0.1 6379", "replication is not supported", "SCAN"),
        ("SLAVEOF 127.0.0.1 6379", "replication is not supported", "SCAN"),
        ("MODULE LOAD /lib/x.so", "MODULE command not allowed", "no interface"),
        ("ACL SETUSER alice on", "ACL users are not supported", "CONFIG SET requirepass"),
        ("ACL LOAD", "not configured to use an ACL file", "requirepass"),
        ("ACL SAVE", "not configured to use an ACL file", "requirepass"),
        ("CLIENT TRACKING ON", "not supported", "Turn client side caching off"),
    ] {
        let reply = client.run(line);
        let text = reply.text();
        assert!(
            reply.is_error() && text.contains(says) && text.contains(advises),
            "{line}: {text}"
        );
    }
    client.ok("SET key value");
}

/// The lines of `ACL LIST`, and `ACL GETUSER default`, as redis-server prints them.
fn user(client: &mut Client) -> [Value; 2] {
    [client.run("ACL LIST"), client.run("ACL GETUSER default")]
}

#[test]
fn the_only_user_has_the_password_of_requirepass() {
    let options = || Options::default().set("requirepass", "secret-word");
    let Some(oracle) = Server::oracle_with(options()) else { return };
    let target = Server::with(options());
    let mut clients = [oracle.client(), target.client()];
    let [expected, found] = clients.each_mut().map(|client| {
        client.fails("ACL WHOAMI", "NOAUTH Authentication required.");
        assert_eq!(client.call(&["AUTH", "secret-word"]), Value::Simple(b"OK".to_vec()));
        user(client)
    });
    assert_eq!(found, expected);
    let [expected, found] = clients.each_mut().map(|client| {
        client.ok("CONFIG SET requirepass other");
        user(client)
    });
    assert_eq!(found, expected);
}

#[test]
fn passwords_that_are_made_up_have_the_length_asked_for_and_differ() {
    let server = Server::start();
    let mut client = server.client();
    for (bits, digits) in [("", 64), ("1", 1), ("4", 1), ("5", 2), ("4096", 1024)] {
        let [first, second] = [0, 1].map(|_| client.run(&format!("ACL GENPASS {bits}")).text());
        let is_hexadecimal = first.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(first.len() == digits && is_hexadecimal, "{bits}: {first}");
        assert!(digits < 64 || first != second, "{bits}: {first} twice");
    }
}

#[test]
fn acl_cat_lists_the_commands_of_a_category_as_redis_does() {
    let Some(oracle) = Server::oracle() else { return };
    let target = Server::start();
    let (mut oracle, mut target) = (oracle.client(), target.client());
    let names = |client: &mut Client, line: &str| -> Vec<String> {
        let mut names: Vec<String> = client.run(line).items().iter().map(Value::text).collect();
        names.sort();
        names
    };
    let known = [names(&mut oracle, "COMMAND LIST"), names(&mut target, "COMMAND LIST")];
    let in_both = |name: &String| known.iter().all(|known| known.contains(name));
    let mut listed = 0;
    for category in names(&mut oracle, "ACL CAT") {
        let line = format!("ACL CAT {category}");
        let [expected, found] = [names(&mut oracle, &line), names(&mut target, &line)]
            .map(|names| names.into_iter().filter(in_both).collect::<Vec<String>>());
        assert_eq!(found, expected, "{line}");
        listed += found.len();
    }
    assert!(listed > 200, "{listed}");
}

#[test]
fn info_agrees_that_nothing_of_it_is_used() {
    let server = Server::start();
    let mut client = server.client();
    let info = client.run("INFO everything").text();
    for field in ["cluster_enabled:0", "role:master", "connected_slaves:0", "redis_mode:standalone"]
    {
        assert!(info.lines().any(|line| line == field), "no {field}");
    }
}
