//! With `always` an event of a key is told when the change is on the disk, and never when it is
//! lost.

use std::time::Duration;

use crate::common::Server;
use crate::common::server::Options;
use crate::files;
use crate::shim::{self, Fault, Shim};

/// How long the shard may take to recover.
const RECOVERY: Duration = Duration::from_secs(30);

#[test]
fn a_change_that_is_lost_is_not_told() {
    let Some(shim) = Shim::new() else { return };
    let options = Options::default().shards(2).appendfsync("always");
    let server = Server::with(shim.around(options.set("notify-keyspace-events", "KA")));
    let mut subscriber = server.client();
    subscriber.run("PSUBSCRIBE __keyspace@*__:*");
    let mut told = || {
        let message = subscriber.read_any().expect("a message");
        message.items()[2].text().trim_start_matches("__keyspace@0__:").to_owned()
    };
    let mut client = server.client();
    let name = |kind: &str| files::key_of_shard(0, kind);
    let (before, lost, after) = (name("before"), name("lost"), name("after"));
    client.ok(&format!("SET {before} 1"));
    assert_eq!(told(), before);
    shim.fail_all(Fault::Eio, shim::SYNC, "/shard-000/");
    assert!(client.run(&format!("SET {lost} 1")).is_error());
    shim.calm();
    let deadline = std::time::Instant::now() + RECOVERY;
    while client.run(&format!("SET {after} 1")).is_error() {
        assert!(std::time::Instant::now() < deadline, "the shard does not recover");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(told(), after, "what was lost is not told");
}
