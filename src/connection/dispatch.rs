//! From a request to its reply: the gate, and where the command runs: here, on other shards
//! (`segment`), or in the process.

use std::rc::Rc;
use std::time::Instant;

use basalt_shard::command::{Args, BeginSearch, CommandSpec, FindKeys, Run, flag, keys};
use basalt_shard::keyspace::layout;
use basalt_shard::resp::ReplyBuffer;

use crate::client::ReplyMode;
use crate::connection::segment::Home;
use crate::connection::{Connection, SEGMENT_BYTES_MAX, SEGMENT_COMMANDS_MAX};
use crate::execute::attempt::{attempt, attempt_copy};
use crate::execute::gate::{Outcome, Refusal};
use crate::execute::process::{Apart, Ran};
use crate::execute::{booking, gate, monitor, patience, process, slowness};
use crate::shared::client_memory::{COUNTED_ARGUMENTS_FROM, ClientMemory};
use crate::telemetry::slowness::Slow;
use crate::thread::process_command::{Entry, ProcessRun};
use crate::thread::shard_command::ShardCommand;
use crate::thread::shard_thread::ShardThread;

impl Connection {
    /// Runs a command that may have many arguments, when there is memory for what that takes.
    pub(super) async fn big_command(&mut self, args: Args<'_>) {
        let work_bytes = ClientMemory::work_bytes(args.len());
        if work_bytes == 0 {
            return self.command(args).await;
        }
        let node = self.shard_thread.node.clone();
        if let Some(_work) = self.memory_for_work(&node, work_bytes).await {
            self.command(args).await;
            self.flush_segment().await;
        }
    }

    pub(super) async fn command(&mut self, args: Args<'_>) {
        if args.is_empty() {
            return;
        }
        if self.session.reply_mode.get() == ReplyMode::On {
            return self.dispatch(args).await;
        }
        // Replies are held back: one command at a time.
        if self.session.reply_mode.get() == ReplyMode::SkipNext {
            self.session.reply_mode.set(ReplyMode::Skip);
        }
        let start = self.out.len();
        self.dispatch(args).await;
        self.flush_segment().await;
        match self.session.reply_mode.get() {
            ReplyMode::On => {}
            ReplyMode::Off | ReplyMode::SkipNext => self.drop_replies(start),
            ReplyMode::Skip => {
                self.drop_replies(start);
                self.session.reply_mode.set(ReplyMode::On);
            }
        }
    }

    async fn dispatch(&mut self, args: Args<'_>) {
        // The thread's own count of references; the process's would bounce between the cores.
        let shard_thread = self.shard_thread.clone();
        let node = &shard_thread.node;
        let entry = loop {
            let outcome = gate::check(node, args, &self.session);
            self.session.last_command.set(outcome.command());
            match outcome {
                Outcome::Run(entry) => break entry,
                Outcome::Wait(_) => {
                    Box::pin(self.wait_for_end_of_pause()).await;
                    if self.session.killed.get() {
                        // Nobody waits for it any more, nor may it come into effect behind the
                        // pause.
                        return;
                    }
                }
                Outcome::Refuse(refusal) => return self.reject(*refusal).await,
                Outcome::Close => {
                    self.warn_of_attack();
                    return self.session.killed.set(true);
                }
            }
        };
        let shown = !entry.spec.has(flag::SKIP_MONITOR | flag::ADMIN);
        if let Some(command) = ShardCommand::of(entry) {
            if shown && node.clients.is_monitored() {
                self.flush_segment().await;
                self.show_to_monitors(args).await;
            }
            return self.shard_command(command, args).await;
        }
        if let Run::Process(run) = entry.run {
            self.process_command(entry, run, args).await;
        }
        // Afterwards, as in Redis: SELECT shows with its new database, RESET no more to the one who
        // sent it.
        if shown && node.clients.is_monitored() {
            self.show_to_monitors(args).await;
        }
    }

    async fn show_to_monitors(&mut self, args: Args<'_>) {
        monitor::feed(&self.shard_thread, &self.session, args);
        // Who waits for each reply cannot send without end.
        if self.input_was_full || !self.backlog.is_empty() {
            Box::pin(monitor::keep_pace(&self.shard_thread)).await;
        }
    }

    fn warn_of_attack(&self) {
        tracing::warn!(
            client = %self.session.peer,
            "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: \
             commands to Basalt. This is likely due to an attacker attempting to use Cross \
             Protocol Scripting to compromise your Basalt instance. Connection aborted."
        );
    }

    /// Answers with an error instead of running a command.
    pub(super) async fn reject(&mut self, Refusal { command, text }: Refusal) {
        self.flush_segment().await;
        let start = self.out.len();
        self.out.error(&text);
        booking::refused(&self.shard_thread, command, &self.out.as_bytes()[start..]);
    }

    async fn shard_command(&mut self, command: ShardCommand, args: Args<'_>) {
        let (spec, caller) = (command.spec(), self.session.caller());
        let home = self.home(spec, args);
        if spec.has(flag::TELLS_USES) {
            self.gather_uses(home, args).await;
        }
        if self.segment.batch.is_empty() && home == Home::One(self.shard_thread.id) {
            let mut start = self.out.len();
            let when = (caller, &mut self.moment);
            let done = match attempt(&self.shard_thread, command, args, when, &mut self.out) {
                Ok(done) => done,
                Err(why) => {
                    let shard_thread = self.shard_thread.clone();
                    let mut reply = ReplyBuffer::new(self.out.protocol());
                    let how = (caller, why);
                    let done = patience::run(&shard_thread, command, args, how, &mut reply).await;
                    start = self.take_replies(reply.take()).await;
                    self.moment = Instant::now();
                    done
                }
            };
            self.hold_for(start, self.shard_thread.id, done.ticket);
            return self.note_if_slow(done.slow);
        }
        let is_read = spec.only_reads();
        if self.segment.batch.is_empty() && home != Home::Several && is_read {
            let when = (caller, &mut self.moment);
            if let Some(done) = attempt_copy(&self.shard_thread, command, args, when, &mut self.out)
            {
                return self.note_if_slow(done.slow);
            }
        }
        if self.segment.batch.is_empty() {
            self.segment.only_reads = true;
            self.segment.batch.caller = caller;
            self.segment.batch.protocol = self.out.protocol();
        }
        self.segment.only_reads &= is_read;
        self.segment.homes.push(home);
        self.segment.batch.push(command, args);
        if self.segment.batch.len() >= SEGMENT_COMMANDS_MAX
            || self.segment.batch.arguments() >= COUNTED_ARGUMENTS_FROM
            || self.segment.batch.bytes() >= SEGMENT_BYTES_MAX
        {
            self.flush_segment().await;
        }
    }

    /// Has the owner of a key told of its uses on all threads, out of copies, before somebody asks.
    async fn gather_uses(&mut self, home: Home, args: Args<'_>) {
        let shard_thread = self.shard_thread.clone();
        let databases = shard_thread.databases();
        let physical = databases.get(self.session.db.get());
        let (Home::One(owner), Some(physical)) = (home, physical) else { return };
        self.flush_segment().await;
        // OBJECT's subcommands have the key behind their name.
        let key = layout::head_key(*physical, args.get(2));
        for shard in (0..shard_thread.node.topology.shards()).filter(|shard| *shard != owner) {
            let asked = key.clone();
            let take = move |there: &Rc<ShardThread>| there.copies.borrow().take_uses(&asked);
            if let Some(Some(uses)) = shard_thread.on_shard(shard, take).await {
                let key = key.clone();
                let note = move |there: &Rc<ShardThread>| {
                    there.shard.borrow_mut().cache().note_uses(&key, uses);
                };
                shard_thread.on_shard(owner, note).await;
            }
        }
    }

    /// Where the keys of a command live.
    fn home(&self, spec: &CommandSpec, args: Args<'_>) -> Home {
        let topology = &self.shard_thread.node.topology;
        if topology.shards() == 1 {
            return Home::One(self.shard_thread.id);
        }
        if let [key] = spec.keys
            && let (BeginSearch::Index(index), FindKeys::Range { last: 0, .. }) =
                (key.begin, key.find)
        {
            return Home::One(topology.shard_of(args.get(index)));
        }
        let mut found = Vec::new();
        if keys::extract(spec, args, &mut found).is_err() {
            // The handler answers with an error, anywhere.
            return Home::One(self.shard_thread.id);
        }
        let mut shards = found.iter().map(|key| topology.shard_of(args.get(key.index)));
        let Some(first) = shards.next() else { return Home::One(self.shard_thread.id) };
        if shards.all(|shard| shard == first) { Home::One(first) } else { Home::Several }
    }

    async fn process_command(&mut self, entry: &Entry, run: ProcessRun, args: Args<'_>) {
        self.flush_segment().await;
        if self.session.killed.get() {
            // What came before may not have been run.
            return;
        }
        let shard_thread = self.shard_thread.clone();
        let session = self.session.clone();
        let command = (entry.id, run, args);
        let Ran { apart, booked } =
            process::run(&shard_thread, &session, command, &mut self.out).await;
        self.moment = booked.end;
        if let Some(Apart { reply, waits_for_everything }) = apart {
            let start = self.take_replies(reply).await;
            if waits_for_everything {
                self.hold_for_everything(start);
            }
        }
        self.out.set_protocol(self.session.protocol.get());
        self.note_if_slow(booked.slow);
    }

    /// Puts a command into the slow log and the latency monitor, if it took long.
    fn note_if_slow(&self, slow: Option<Box<Slow>>) {
        if let Some(slow) = slow {
            slowness::note(&self.shard_thread, &self.session, *slow);
        }
    }

    /// The same for commands that did.
    pub(super) fn note_slow(&self, slow: Vec<Slow>) {
        for slow in slow {
            slowness::note(&self.shard_thread, &self.session, slow);
        }
    }
}
