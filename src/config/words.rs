//! The enumerations among the typed settings: each has one list of words, which the directive
//! table accepts, CONFIG GET prints and the settings hold as a variant.

/// A word that a directive accepts and the word it is reported as. The two differ only for a
/// second spelling of the same thing.
pub(crate) type Word = (&'static str, &'static str);

macro_rules! words {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            pub(crate) const WORDS: &'static [Word] = &[$(($word, $word)),+];
            const VARIANTS: &'static [$name] = &[$($name::$variant),+];

            /// The word that stands for this variant.
            pub(crate) fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// Takes on the variant that `word` stands for; the table lets no other word through.
            pub(super) fn set(&mut self, word: &str) {
                let named = Self::VARIANTS.iter().find(|variant| variant.word() == word);
                *self = named.copied().unwrap_or(*self);
            }
        }

        impl Default for $name {
            fn default() -> Self { Self::VARIANTS[0] }
        }
    };
}

words! {
    /// When a write is forced to the disk (`appendfsync`).
    Durability {
        Everysec = "everysec",
        Always = "always",
        No = "no",
    }
}

words! {
    /// How much is logged (`loglevel`).
    LogLevel {
        Debug = "debug",
        Verbose = "verbose",
        Notice = "notice",
        Warning = "warning",
        Nothing = "nothing",
    }
}

words! {
    /// Who is told about start and stop (`supervised`).
    Supervision {
        Upstart = "upstart",
        Systemd = "systemd",
        /// By the environment.
        Auto = "auto",
        No = "no",
    }
}

words! {
    /// Who may use something dangerous (`enable-*`).
    ProtectedAction {
        No = "no",
        Yes = "yes",
        /// Clients from this host only.
        Local = "local",
    }
}

impl ProtectedAction {
    /// Whether a client may; `local` says that it came from this host.
    pub(crate) fn permits(self, local: bool) -> bool {
        self == Self::Yes || (self == Self::Local && local)
    }
}

words! {
    /// The eviction policy (`maxmemory-policy`).
    EvictionPolicy {
        VolatileLru = "volatile-lru",
        VolatileLfu = "volatile-lfu",
        VolatileRandom = "volatile-random",
        VolatileTtl = "volatile-ttl",
        AllkeysLru = "allkeys-lru",
        AllkeysLfu = "allkeys-lfu",
        AllkeysRandom = "allkeys-random",
        NoEviction = "noeviction",
    }
}

impl EvictionPolicy {
    /// Whether keys count how often they are used rather than when they were used last.
    pub(crate) fn is_lfu(self) -> bool {
        matches!(self, Self::VolatileLfu | Self::AllkeysLfu)
    }
}

words! {
    /// Whether each shard's thread is pinned to a core (`shard-cpu-pinning`).
    CpuPinning {
        Yes = "yes",
        No = "no",
        /// The server decides by what it measured on hosts of this kind.
        Auto = "auto",
    }
}
