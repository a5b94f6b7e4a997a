//! How a test scripts commands.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use oos_core::Timestamp;

use super::{Command, How};
use crate::{
    FakeCloud,
    calls::Matcher,
    cloud::{
        state::State,
        store::{Kind, Resource},
        transition::Profile,
    },
};

/// CHOICE: how long a command runs when nothing is said.
const TAKES: Duration = Duration::from_secs(2);

/// What a command does on an instance; made by [`exit`] and its siblings.
#[derive(Clone)]
pub struct Output {
    pub(super) how: How,
    pub(super) exit: i64,
    pub(super) stdout: String,
    pub(super) takes: Option<Duration>,
    pub(super) echo: bool,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} ({} bytes)", self.how, self.exit, self.stdout.len())
    }
}

const fn output(how: How, exit: i64) -> Output {
    Output { how, exit, stdout: String::new(), takes: None, echo: false }
}

/// It ends with this exit code.
pub const fn exit(code: i64) -> Output {
    output(How::Exits, code)
}

/// It runs until its time-out.
pub const fn timeout() -> Output {
    output(How::TimesOut, 0)
}

/// The agent on the instance cannot be reached.
pub const fn agent_offline() -> Output {
    output(How::Offline, 0)
}

/// The command cannot be delivered.
pub const fn aborted() -> Output {
    output(How::Aborted, 0)
}

/// The instance stops in the middle, after that long.
pub fn crash_mid_way(after: Duration) -> Output {
    Output { takes: Some(after), ..output(How::Crashes, 0) }
}

/// It prints that many bytes and ends with exit code 0.
pub fn output_bytes(count: usize) -> Output {
    exit(0).stdout("0123456789abcdef".repeat(count / 16 + 1).get(..count).unwrap_or_default())
}

impl Output {
    /// What it prints.
    #[must_use]
    pub fn stdout(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdout);
        self
    }

    /// How long it takes on virtual time.
    #[must_use]
    pub const fn takes(mut self, time: Duration) -> Self {
        self.takes = Some(time);
        self
    }

    /// It prints the command itself.
    #[must_use]
    pub const fn echo_command(mut self) -> Self {
        self.echo = true;
        self
    }

    pub(super) fn duration(&self, profile: Profile) -> Duration {
        self.takes.unwrap_or(if profile == Profile::Instant { Duration::ZERO } else { TAKES })
    }
}

/// What a script's closure may look at.
#[derive(Clone, Debug)]
pub struct CommandContext {
    /// The decoded command with its parameters filled in.
    pub content: String,
    /// `RunShellScript` and so on.
    pub kind: Arc<str>,
    /// Name of the command.
    pub name: Arc<str>,
    /// The instance that it runs on.
    pub instance: Arc<str>,
    /// How often this script has run on this instance before.
    pub attempt: usize,
    /// When it was invoked.
    pub at: Timestamp,
}

type Dynamic = Arc<dyn Fn(&CommandContext) -> Output + Send + Sync>;

#[derive(Clone)]
enum Does {
    Sequence(Vec<Output>),
    Run(Dynamic),
}

#[derive(Clone)]
enum Where {
    Any,
    Ids(Vec<String>),
    Tag(String, String),
}

pub(crate) struct Rule {
    what: Matcher,
    on: Where,
    does: Does,
    counts: BTreeMap<Arc<str>, usize>,
}

impl Rule {
    fn takes(&self, command: &Command, instance: &Resource) -> bool {
        let on = match &self.on {
            Where::Any => true,
            Where::Ids(ids) => ids.iter().any(|id| **id == *instance.id),
            Where::Tag(key, value) => instance.tags.get(key).is_some_and(|v| v == value),
        };
        on && [&*command.content, &command.name, &command.kind].iter().any(|text| self.what.matches_text(text))
    }

    fn output(&mut self, context: &mut CommandContext) -> Output {
        let count = self.counts.entry(Arc::clone(&context.instance)).or_default();
        context.attempt = *count;
        *count += 1;
        match &self.does {
            Does::Run(run) => run(context),
            Does::Sequence(outputs) => outputs.get(context.attempt).or(outputs.last()).cloned().unwrap_or(exit(0)),
        }
    }
}

/// What a command does on an instance: the first script that matches, else the default, else exit code 0.
pub(super) fn output_for(state: &mut State, command: &Command, kind: Kind, instance: &str) -> Option<Output> {
    let mut context = CommandContext {
        content: command.content.clone(),
        kind: Arc::clone(&command.kind),
        name: Arc::clone(&command.name),
        instance: instance.into(),
        attempt: 0,
        at: state.now,
    };
    let resource = state.store.get(kind, instance)?;
    let rule = state.assistant.rules.iter_mut().find(|r| r.takes(command, resource));
    let mut output = match (rule, &state.assistant.default) {
        (Some(rule), _) => rule.output(&mut context),
        (None, Some(default)) => default.clone(),
        (None, None) => {
            let line = command.content.lines().next().unwrap_or_default();
            state.assistant.unmatched.push(format!("`{line}` on {instance}"));
            if state.assistant.strict {
                return None;
            }
            exit(0)
        }
    };
    if output.echo {
        output.stdout.clone_from(&command.content);
    }
    Some(output)
}

/// Scripts commands. The first script that matches wins; `default` is for all others.
///
/// ```
/// use oos_testkit::prelude::*;
///
/// let cloud = FakeCloud::new();
/// cloud.assistant().on_command(re("deploy")).on_instance("i-2").then(exit(1).stdout("disk full").takes(secs(90)));
/// cloud.assistant().default(exit(0).echo_command());
/// ```
#[derive(Clone, Debug)]
pub struct Scripts {
    cloud: FakeCloud,
}

impl Scripts {
    pub(crate) fn new(cloud: FakeCloud) -> Self {
        Self { cloud }
    }

    /// A script for commands whose decoded content, name or type matches.
    pub fn on_command(&self, what: impl Into<Matcher>) -> Script {
        Script { cloud: self.cloud.clone(), what: what.into(), on: Where::Any }
    }

    /// What commands without a script do.
    pub fn default(&self, output: Output) {
        self.cloud.with(|state| state.assistant.default = Some(output));
    }

    /// Commands without a script are refused.
    pub fn strict_commands(&self) {
        self.cloud.with(|state| state.assistant.strict = true);
    }

    /// The commands that no script matched, in order.
    pub fn unmatched(&self) -> Vec<String> {
        self.cloud.with(|state| state.assistant.unmatched.clone())
    }

    /// The commands that ran on an instance, decoded, in order.
    pub fn ran_on(&self, instance: &str) -> Vec<String> {
        self.cloud.with(|state| {
            let mut all: Vec<_> = state.assistant.invocations.values().collect();
            all.sort_by_key(|i| (i.created, Arc::clone(&i.id)));
            let on = |i: &&super::Invocation| i.runs.iter().any(|r| &*r.instance == instance);
            all.into_iter().filter(on).map(|i| i.command.content.clone()).collect()
        })
    }
}

/// A script in the making.
#[must_use = "say what it does, e.g. `then(exit(1))`"]
pub struct Script {
    cloud: FakeCloud,
    what: Matcher,
    on: Where,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Script({:?})", self.what)
    }
}

impl Script {
    /// Only on this instance.
    pub fn on_instance(mut self, id: &str) -> Self {
        self.on = Where::Ids(vec![id.to_owned()]);
        self
    }

    /// Only on one of these instances.
    pub fn on_any_of<S: AsRef<str>>(mut self, ids: &[S]) -> Self {
        self.on = Where::Ids(ids.iter().map(|id| id.as_ref().to_owned()).collect());
        self
    }

    /// On every instance, as without this word.
    pub fn any_instance(mut self) -> Self {
        self.on = Where::Any;
        self
    }

    /// Only on instances with a tag.
    pub fn tagged(mut self, key: &str, value: &str) -> Self {
        self.on = Where::Tag(key.to_owned(), value.to_owned());
        self
    }

    /// What it does, each time.
    pub fn then(self, output: Output) {
        self.sequence([output]);
    }

    /// What it does, one time after the other on each instance; the last is repeated.
    pub fn sequence(self, outputs: impl IntoIterator<Item = Output>) {
        let outputs = outputs.into_iter().collect();
        self.install(Does::Sequence(outputs));
    }

    /// What it does, by a closure. The closure must not use the cloud, which is locked meanwhile.
    pub fn run(self, run: impl Fn(&CommandContext) -> Output + Send + Sync + 'static) {
        self.install(Does::Run(Arc::new(run)));
    }

    fn install(self, does: Does) {
        let Self { cloud, what, on } = self;
        cloud.with(|state| state.assistant.rules.push(Rule { what, on, does, counts: BTreeMap::new() }));
    }
}
