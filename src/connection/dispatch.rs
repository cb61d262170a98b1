//! From a request to its reply: looking the command up, the checks before it runs, and where it
//! runs: here, on other shards (`segment`), or in the process.

use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use basalt_shard::command::{Args, BeginSearch, FindKeys, Run, flag, keys};
use basalt_shard::error::refuse_if_over;
use basalt_shard::keyspace::layout;
use basalt_shard::resp::{Protocol, ReplyBuffer};
use basalt_shard::shard::Attempt;
use basalt_shard::table::LookupError;

use crate::client::ReplyMode;
use crate::clock::steady_ms;
use crate::connection::segment::Home;
use crate::connection::{Connection, PAUSE_STEP, SEGMENT_BYTES_MAX, SEGMENT_COMMANDS_MAX};
use crate::execute::monitor;
use crate::execute::run;
use crate::execute::slowness;
use crate::runtime;
use crate::shared::client_memory::{COUNTED_ARGUMENTS_FROM, ClientMemory};
use crate::telemetry::slowness::Slow;
use crate::thread::process_command::{Entry, LaterContext, ProcessContext, ProcessRun};
use crate::thread::shard_loop::{LoopCounters, ShardLoop};
use crate::upkeep::disk;

impl Connection {
    /// Runs a command that may have many arguments, when there is memory for what that takes.
    pub(super) async fn big_command(&mut self, args: Args<'_>) {
        let work_bytes = ClientMemory::work_bytes(args.len());
        if work_bytes == 0 {
            return self.command(args).await;
        }
        let node = self.shard_loop.node.clone();
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
        let shard_loop = self.shard_loop.clone();
        let node = &shard_loop.node;
        let entry = match node.table.lookup(args) {
            Ok(entry) => entry,
            Err(error) => return self.unknown(args, error).await,
        };
        self.session.last_command.set(Some(entry.id));
        if !entry.spec.accepts(args.len()) || matches!(entry.run, Run::Container) {
            let text = format!("ERR wrong number of arguments for '{}' command", entry.full_name);
            return self.reject(Some(entry), text.as_bytes()).await;
        }
        if !self.session.authenticated.get() && !entry.spec.has(flag::NO_AUTH) {
            return self.reject(Some(entry), b"NOAUTH Authentication required.").await;
        }
        if self.session.is_subscriber()
            && self.session.protocol.get() == Protocol::Resp2
            && !entry.spec.has(flag::IN_SUBSCRIBED_MODE)
        {
            let text = format!(
                "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / \
                 RESET are allowed in this context",
                entry.full_name
            );
            return self.reject(Some(entry), text.as_bytes()).await;
        }
        self.session.commands.set(self.session.commands.get() + 1);
        if node.paused_until_ms.load(Ordering::Relaxed) != 0 {
            self.wait_while_paused(entry).await;
            if self.session.killed.get() {
                // Nobody waits for it any more, nor may it come into effect behind the pause.
                return;
            }
        }
        if node.disk_full.load(Ordering::Relaxed) && entry.spec.has(flag::DENYOOM) {
            return self.reject(Some(entry), disk::FULL).await;
        }
        let shown = !entry.spec.has(flag::SKIP_MONITOR | flag::ADMIN);
        match entry.run {
            Run::Shard(_) => {
                if shown && node.is_monitored() {
                    self.flush_segment().await;
                    self.show_to_monitors(args).await;
                }
                self.shard_command(entry, args).await;
            }
            Run::Process(run) => {
                self.process_command(entry, run, args).await;
                // Afterwards, as in Redis: SELECT shows with its new database, RESET no more to
                // the one who sent it.
                if shown && node.is_monitored() {
                    self.show_to_monitors(args).await;
                }
            }
            Run::Container => {}
        }
    }

    async fn show_to_monitors(&mut self, args: Args<'_>) {
        monitor::feed(&self.shard_loop, &self.session, args);
        // Who waits for each reply cannot send without end.
        if self.input_was_full || !self.backlog.is_empty() {
            Box::pin(monitor::keep_pace(&self.shard_loop)).await;
        }
    }

    async fn unknown(&mut self, args: Args<'_>, error: LookupError) {
        self.session.last_command.set(None);
        // As Redis prints them: a NUL ends an argument.
        let shorten = |argument: &[u8], bytes_max: usize| -> Vec<u8> {
            argument.iter().copied().take(bytes_max).take_while(|byte| *byte != 0).collect()
        };
        let name = args.get(0);
        if name.eq_ignore_ascii_case(b"host:") || name.eq_ignore_ascii_case(b"post") {
            tracing::warn!(
                client = %self.session.peer,
                "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or \
                 Host: commands to Basalt. This is likely due to an attacker attempting to use \
                 Cross Protocol Scripting to compromise your Basalt instance. Connection aborted."
            );
            self.session.killed.set(true);
            return;
        }
        let text = match error {
            LookupError::UnknownCommand => {
                let mut text = b"ERR unknown command '".to_vec();
                text.extend(shorten(name, 128));
                text.extend(b"', with args beginning with: ");
                let mut shown = 0;
                for argument in args.iter_from(1) {
                    if shown >= 128 {
                        break;
                    }
                    let quoted = [b"'".as_slice(), &shorten(argument, 128 - shown), b"' "].concat();
                    shown += quoted.len();
                    text.extend(quoted);
                }
                text
            }
            LookupError::UnknownSubcommand => {
                let mut text = b"ERR unknown subcommand '".to_vec();
                text.extend(shorten(args.get(1), 128));
                text.extend(b"'. Try ");
                text.extend(name.to_ascii_uppercase());
                text.extend(b" HELP.");
                text
            }
        };
        self.reject(None, &text).await;
    }

    /// Answers with an error instead of running the command.
    pub(super) async fn reject(&mut self, entry: Option<&Entry>, text: &[u8]) {
        self.flush_segment().await;
        let start = self.out.len();
        self.out.error(text);
        let reply = &self.out.as_bytes()[start..];
        self.shard_loop.statistics.borrow_mut().reject(entry.map(|entry| entry.id), reply);
    }

    async fn wait_while_paused(&mut self, entry: &Entry) {
        self.flush_segment().await;
        let node = self.shard_loop.node.clone();
        loop {
            let until = node.paused_until_ms.load(Ordering::Relaxed);
            let held = !node.paused_writes_only.load(Ordering::Relaxed)
                || entry.spec.has(flag::WRITE | flag::MAY_REPLICATE);
            let goes_on = !held || until < steady_ms() as i64 || self.session.killed.get();
            self.session.is_paused.set(!goes_on);
            if goes_on {
                return;
            }
            runtime::sleep(PAUSE_STEP).await;
        }
    }

    async fn shard_command(&mut self, entry: &Entry, args: Args<'_>) {
        let home = self.home(entry, args);
        let (id, caller) = (entry.id, self.session.caller());
        if entry.spec.has(flag::TELLS_USES) {
            self.gather_uses(entry, args).await;
        }
        if self.segment.batch.is_empty() && home == Home::One(self.shard_loop.id) {
            let mut start = self.out.len();
            let when = (caller, &mut self.moment);
            let (ticket, duration_us) =
                match run::attempt(&self.shard_loop, id, args, when, &mut self.out) {
                    Attempt::Done(ticket) => (ticket, self.last_duration_us()),
                    why => {
                        let shard_loop = self.shard_loop.clone();
                        let mut reply = ReplyBuffer::new(self.out.protocol());
                        let how = (caller, why);
                        let waited = run::run_waiting(&shard_loop, id, args, how, &mut reply).await;
                        start = self.take_replies(reply.take()).await;
                        self.moment = Instant::now();
                        (waited.ticket, waited.duration_us)
                    }
                };
            self.hold_for(start, self.shard_loop.id, ticket);
            self.note_slowness(entry, args, duration_us);
            return;
        }
        if self.segment.batch.is_empty() && home != Home::Several && entry.spec.has(flag::READONLY)
        {
            let when = (caller, &mut self.moment);
            if run::attempt_copy(&self.shard_loop, id, args, when, &mut self.out) {
                self.note_slowness(entry, args, self.last_duration_us());
                return;
            }
        }
        if self.segment.batch.is_empty() {
            self.segment.only_reads = true;
            self.segment.batch.caller = caller;
            self.segment.batch.protocol = Some(self.out.protocol());
        }
        self.segment.only_reads &= entry.spec.has(flag::READONLY);
        self.segment.homes.push(home);
        self.segment.batch.push(id, args);
        if self.segment.batch.len() >= SEGMENT_COMMANDS_MAX
            || self.segment.batch.arguments() >= COUNTED_ARGUMENTS_FROM
            || self.segment.batch.bytes() >= SEGMENT_BYTES_MAX
        {
            self.flush_segment().await;
        }
    }

    /// How long the command took that has just ended.
    fn last_duration_us(&self) -> u64 {
        self.shard_loop.statistics.borrow().last_duration_ns / 1000
    }

    /// Has the owner of a key told of its uses on all threads, out of copies, before somebody asks.
    async fn gather_uses(&mut self, entry: &Entry, args: Args<'_>) {
        let shard_loop = self.shard_loop.clone();
        let databases = shard_loop.databases();
        let physical = databases.get(self.session.db.get());
        let (Home::One(owner), Some(physical)) = (self.home(entry, args), physical) else { return };
        self.flush_segment().await;
        // OBJECT's subcommands have the key behind their name.
        let key = layout::head_key(*physical, args.get(2));
        for shard in (0..shard_loop.node.topology.shards()).filter(|shard| *shard != owner) {
            let asked = key.clone();
            let take = move |there: &Rc<ShardLoop>| there.copies.borrow().take_uses(&asked);
            if let Some(Some(uses)) = shard_loop.on_shard(shard, take).await {
                let key = key.clone();
                let note = move |there: &Rc<ShardLoop>| {
                    there.shard.borrow_mut().cache().note_uses(&key, uses);
                };
                shard_loop.on_shard(owner, note).await;
            }
        }
    }

    /// Where the keys of a command live.
    fn home(&self, entry: &Entry, args: Args<'_>) -> Home {
        let topology = &self.shard_loop.node.topology;
        if topology.shards() == 1 {
            return Home::One(self.shard_loop.id);
        }
        if let [key] = entry.spec.keys
            && let (BeginSearch::Index(index), FindKeys::Range { last: 0, .. }) =
                (key.begin, key.find)
        {
            return Home::One(topology.shard_of(args.get(index)));
        }
        let mut found = Vec::new();
        if keys::extract(entry.spec, args, &mut found).is_err() {
            // The handler answers with an error, anywhere.
            return Home::One(self.shard_loop.id);
        }
        let mut shards = found.iter().map(|key| topology.shard_of(args.get(key.index)));
        let Some(first) = shards.next() else { return Home::One(self.shard_loop.id) };
        if shards.all(|shard| shard == first) { Home::One(first) } else { Home::Several }
    }

    async fn process_command(&mut self, entry: &Entry, run: ProcessRun, args: Args<'_>) {
        self.flush_segment().await;
        if self.session.killed.get() {
            // What came before may not have been run.
            return;
        }
        let mut start = self.out.len();
        let timer = Instant::now();
        let bytes_max = self.shard_loop.hot_settings.get().reply_bytes_max;
        let is_done = match run {
            ProcessRun::Now(run) => {
                self.run_now(args, run);
                true
            }
            ProcessRun::Try(run, _) => self.run_now(args, run),
            ProcessRun::Later(_) | ProcessRun::Report(_) => false,
        };
        if !is_done
            && let ProcessRun::Later(answer)
            | ProcessRun::Report(answer)
            | ProcessRun::Try(_, answer) = run
        {
            let mut reply = ReplyBuffer::new(self.out.protocol());
            reply.limit(bytes_max);
            let (shard_loop, session) = (self.shard_loop.clone(), self.session.clone());
            let context = LaterContext::new(shard_loop, session, (entry.id, args), reply);
            let mut reply = answer(context).await;
            refuse_if_over(&mut reply, 0);
            runtime::note_command(entry.id, 0);
            start = self.take_replies(reply.take()).await;
            if matches!(run, ProcessRun::Later(_)) {
                self.hold_for_everything(start);
            }
        }
        self.out.set_protocol(self.session.protocol.get());
        let mut statistics = self.shard_loop.statistics.borrow_mut();
        self.moment = statistics.finish(entry.id, timer, &self.out.as_bytes()[start..]);
        LoopCounters::add(&self.shard_loop.counters.commands, 1);
        let duration_ns = statistics.last_duration_ns;
        drop(statistics);
        if is_done {
            runtime::note_command(entry.id, duration_ns);
        }
        self.note_slowness(entry, args, duration_ns / 1000);
    }

    /// Runs a command that answers at once.
    fn run_now<T>(&mut self, args: Args<'_>, run: fn(&mut ProcessContext<'_>) -> T) -> T {
        let start = self.out.len();
        self.out.limit(start.saturating_add(self.shard_loop.hot_settings.get().reply_bytes_max));
        let (shard_loop, session) = (self.shard_loop.clone(), self.session.clone());
        let outcome = run(&mut ProcessContext {
            shard_loop: &shard_loop,
            session: &session,
            args,
            reply: &mut self.out,
        });
        refuse_if_over(&mut self.out, start);
        self.out.limit(usize::MAX);
        outcome
    }

    /// Puts a command into the slow log and the latency monitor, if it took long.
    fn note_slowness(&self, entry: &Entry, args: Args<'_>, duration_us: u64) {
        let slow = slowness::check(&self.shard_loop, entry.id, args, duration_us);
        self.note_all(slow);
    }

    pub(super) fn note_all(&self, slow: impl IntoIterator<Item = Slow>) {
        for slow in slow {
            slowness::note(&self.shard_loop, &self.session, slow);
        }
    }
}
