//! The contract of work actions, for the authors of plug-ins (testkit 2.8).
//!
//! An action is run without engine or template, over a fake cloud in virtual time: once, again under the same token as
//! after a crash, stopped in the middle, and without each property that its signature calls required.

use std::{
    fmt::Write as _,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures::future::BoxFuture;
use oos_core::{
    Value,
    ports::{
        Action, ActionContext, ActionError, ActionErrorKind, Outcome,
        action::{Progress, ProgressSink, Signature},
    },
    template::ValueType,
};

use super::{equal, require};
use crate::{
    FakeCloud, HttpRecorder,
    calls::fail,
    harness::{Step, is_of},
};

/// What an attempt of a case comes to.
#[derive(Clone, Debug, PartialEq)]
enum Expected {
    Done,
    NotYet,
    Error(String),
}

/// Reads what a case cares for out of the world; see [`Case::effect`].
type Effect = Arc<dyn Fn(&World) -> Value + Send + Sync>;
/// Prepares the world of a case.
type SetUp = Arc<dyn Fn(&World) + Send + Sync>;

/// The world of one case: a cloud, and what left it by HTTP and mail.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct World {
    /// Cloud and clock.
    pub cloud: FakeCloud,
    /// HTTP requests and mails.
    pub http: HttpRecorder,
}

/// One way to call the action.
#[derive(Clone)]
pub struct Case {
    name: String,
    properties: Value,
    expected: Expected,
    outputs: Vec<(String, ValueType)>,
    secrets: Vec<String>,
    set_up: SetUp,
    effect: Option<Effect>,
    cut: bool,
}

impl Case {
    /// A case that goes well with these properties.
    pub fn new(name: &str, properties: impl Into<Value>) -> Self {
        Self {
            name: name.to_owned(),
            properties: properties.into(),
            expected: Expected::Done,
            outputs: Vec::new(),
            secrets: Vec::new(),
            set_up: Arc::new(|_| {}),
            effect: None,
            cut: true,
        }
    }

    /// The same case, ending with an error of this code.
    #[must_use]
    pub fn fails(mut self, code: &str) -> Self {
        self.expected = Expected::Error(code.to_owned());
        self
    }

    /// The same case, asking to be called again.
    #[must_use]
    pub fn not_yet(mut self) -> Self {
        self.expected = Expected::NotYet;
        self
    }

    /// The same case with a member of the result document and its type.
    #[must_use]
    pub fn output(mut self, name: &str, of: ValueType) -> Self {
        self.outputs.push((name.to_owned(), of));
        self
    }

    /// The same case with a text that must appear in no log line, no error and no `Debug`.
    #[must_use]
    pub fn secret(mut self, text: &str) -> Self {
        self.secrets.push(text.to_owned());
        self
    }

    /// The same case in a world that is prepared: instances, stubs, answers of HTTP.
    #[must_use]
    pub fn set_up(mut self, set_up: impl Fn(&World) + Send + Sync + 'static) -> Self {
        self.set_up = Arc::new(set_up);
        self
    }

    /// The same case with what the action has done to the world: it must be the same after a repeat under the same
    /// token.
    #[must_use]
    pub fn effect(mut self, effect: impl Fn(&World) -> Value + Send + Sync + 'static) -> Self {
        self.effect = Some(Arc::new(effect));
        self
    }

    /// The same case without the check that a required property is missed: for actions that accept one of several.
    #[must_use]
    pub fn keep_properties(mut self) -> Self {
        self.cut = false;
        self
    }
}

/// Runs the contract on an action; `make` gives a new one each time.
///
/// ```
/// # use oos_core::{ActionName, outputs, params, ports::{Action, ActionContext, ActionError, Outcome}};
/// # use oos_core::template::ValueType;
/// use oos_testkit::conformance::action::{Case, suite};
/// # #[derive(Debug)]
/// # struct Greet(ActionName);
/// # #[async_trait::async_trait]
/// # impl Action for Greet {
/// #     fn name(&self) -> &ActionName { &self.0 }
/// #     async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
/// #         Ok(outputs! { "greeting" => format!("hello {}", ctx.raw_properties().at(&["whom"]).to_text()) })
/// #     }
/// # }
/// suite(|| Greet(ActionName::new("Acme::Greet")), [
///     Case::new("a name", params! { "whom" => "ana" }).output("greeting", ValueType::String),
/// ]);
/// ```
///
/// # Panics
/// With the case and the rule that is broken.
#[track_caller]
pub fn suite<A: Action>(make: impl Fn() -> A, cases: impl IntoIterator<Item = Case>) {
    let make = || -> Arc<dyn Action> { Arc::new(make()) };
    keeps_its_name(&make);
    let mut any = false;
    for case in cases {
        any = true;
        let trial = Trial { make: &make, case: &case };
        trial.properties_fit_the_signature();
        trial.ends_as_expected();
        trial.does_nothing_twice();
        trial.stops_wherever_it_is();
        trial.misses_required_properties();
    }
    require(any, "a suite without cases proves nothing");
}

fn keeps_its_name(make: &dyn Fn() -> Arc<dyn Action>) {
    let (one, two) = (make(), make());
    equal(one.name(), two.name(), "an action has one name");
    equal(&one.signature().name, one.name(), "the signature has the name of the action");
    require(one.name().parts().all(|p| !p.is_empty()), "a name has no empty parts");
    equal(&one.signature(), &two.signature(), "the signature is always the same");
}

struct Trial<'t> {
    make: &'t dyn Fn() -> Arc<dyn Action>,
    case: &'t Case,
}

/// An action in its world, with what it said.
struct Stage {
    world: World,
    action: Arc<dyn Action>,
    said: Arc<Mutex<String>>,
}

/// Virtual time that one attempt may take.
const LONGEST: Duration = Duration::from_secs(86_400);
/// Turns in which a run is stopped in the middle at most.
const STOPS: usize = 32;

impl Trial<'_> {
    fn stage(&self) -> Stage {
        let world = World::default();
        (self.case.set_up)(&world);
        Stage { world, action: (self.make)(), said: Arc::default() }
    }

    #[track_caller]
    fn holds(&self, holds: bool, rule: &str) {
        require(holds, format_args!("case `{}`: {rule}", self.case.name));
    }

    fn properties_fit_the_signature(&self) {
        let signature = (self.make)().signature();
        let given = self.case.properties.as_map();
        let known = |name: &str| signature.open || signature.property(name).is_some();
        let all_known = given.into_iter().flat_map(oos_core::Map::iter).all(|(name, _)| known(name));
        self.holds(all_known, "the signature lists the properties that the action takes");
        if self.case.expected == Expected::Done {
            let missing = required(&signature).find(|name| self.case.properties.get(name).is_none());
            self.holds(missing.is_none(), "the action does not go well without a property that its signature requires");
        }
    }

    fn ends_as_expected(&self) {
        let stage = self.stage();
        let result = stage.run(&self.case.properties, "token-1", false);
        self.check_result(&result);
        self.check_outputs(&result);
        let said = stage.everything_said(&result);
        for secret in &self.case.secrets {
            self.holds(!said.contains(secret.as_str()), "secrets are in no log line, no error and no Debug");
        }
        self.holds(stage.is_idle(), "nothing is left waiting when an attempt has ended");
    }

    fn check_result(&self, result: &Result<Outcome, ActionError>) {
        let found = match result {
            Ok(Outcome::Done(_)) => Expected::Done,
            Ok(Outcome::NotYet { .. }) => Expected::NotYet,
            Err(error) => Expected::Error(error.code.to_string()),
        };
        equal(&found, &self.case.expected, format_args!("case `{}` ends as it should ({result:?})", self.case.name));
        if let Err(error) | Ok(Outcome::NotYet { otherwise: error, .. }) = result {
            self.holds(!error.code.is_empty() && !error.code.contains(char::is_whitespace), "a code is one word");
            self.holds(!error.message.is_empty() && !error.message.contains('\n'), "a message is one line");
        }
    }

    fn check_outputs(&self, result: &Result<Outcome, ActionError>) {
        let Ok(Outcome::Done(document)) = result else { return };
        for (name, of) in &self.case.outputs {
            let fits = document.get(name).is_some_and(|value| is_of(value, *of));
            self.holds(fits, &format!("output `{name}` is a {} (found {document})", of.as_str()));
        }
    }

    fn does_nothing_twice(&self) {
        let stage = self.stage();
        let first = stage.run(&self.case.properties, "token-1", false);
        let effect = |stage: &Stage| self.case.effect.as_ref().map(|effect| effect(&stage.world));
        let (before, calls) = (effect(&stage), stage.writes().len());
        let second = stage.run(&self.case.properties, "token-1", true);
        if self.case.expected == Expected::Done {
            self.holds(second.is_ok() && first.is_ok(), &format!("a repeat after a crash goes well ({second:?})"));
        }
        equal(&effect(&stage), &before, format_args!("case `{}`: a repeat has no second effect", self.case.name));
        let writes = stage.writes();
        for again in writes.iter().skip(calls) {
            let token = |w: &(String, Value)| w.1.get("ClientToken").cloned();
            let same = writes.iter().take(calls).filter(|w| w.0 == again.0);
            let known = same.clone().any(|w| token(w) == token(again)) || same.count() == 0;
            self.holds(known, &format!("a repeat of {} has the token of the first call", again.0));
        }
    }

    /// Stops the run at each of its turns, as a cancel does.
    fn stops_wherever_it_is(&self) {
        for turns in 0..STOPS {
            let stage = self.stage();
            let ended = stage.stop_after(turns, &self.case.properties);
            let calls = stage.world.cloud.calls().len();
            stage.world.cloud.clock().advance(LONGEST);
            self.holds(stage.is_idle(), "a run that was stopped waits for nothing");
            self.holds(stage.world.cloud.calls().len() == calls, "a run that was stopped calls nothing more");
            if ended {
                return;
            }
        }
    }

    fn misses_required_properties(&self) {
        if !self.case.cut || self.case.expected != Expected::Done {
            return;
        }
        let signature = (self.make)().signature();
        for name in required(&signature) {
            let rest = self.case.properties.as_map().into_iter().flat_map(oos_core::Map::iter);
            let rest = rest.filter(|(key, _)| key.as_ref() != name).map(|(k, v)| (k.clone(), v.clone()));
            let stage = self.stage();
            let calls = stage.writes().len();
            let result = stage.run(&Value::from(rest.collect::<oos_core::Map>()), "token-1", false);
            let missed = matches!(&result, Err(error) if error.kind == ActionErrorKind::InvalidProperty);
            self.holds(missed, &format!("without `{name}` the action ends with InvalidProperty ({result:?})"));
            self.holds(stage.writes().len() == calls, "nothing is changed when a property is missing");
        }
    }
}

fn required(signature: &Signature) -> impl Iterator<Item = &str> {
    signature.properties.iter().filter(|p| p.required).map(|p| &*p.name)
}

impl Stage {
    fn context(&self, properties: &Value, token: &str, repeat: bool) -> ActionContext {
        let step = Step { action: self.action.name(), role: "", token, repeat };
        step.context(&self.world.cloud, &self.world.http, properties, self.progress())
    }

    fn progress(&self) -> ProgressSink {
        let said = self.said.clone();
        Arc::new(move |progress| {
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = match progress {
                Progress::Log(line) => writeln!(said, "{line}"),
                Progress::Link(kind, id) => writeln!(said, "{kind}: {id}"),
            };
        })
    }

    fn start(&self, properties: &Value, token: &str, repeat: bool) -> BoxFuture<'static, Result<Outcome, ActionError>> {
        let (action, context) = (self.action.clone(), self.context(properties, token, repeat));
        Box::pin(async move { action.run(context).await })
    }

    /// One attempt to its end. Whoever waits for anything but the clock of the ports hangs, which is told.
    #[track_caller]
    fn run(&self, properties: &Value, token: &str, repeat: bool) -> Result<Outcome, ActionError> {
        let (clock, start) = (self.world.cloud.clock(), self.world.cloud.now());
        let result = clock.block_on(self.start(properties, token, repeat));
        require(clock.now().since(start) <= LONGEST, "an attempt ends within a day; longer waits answer NotYet");
        result
    }

    /// Runs for some turns, then stops as the engine does: `cancel` is called, then the run is dropped. True when the
    /// run was over before.
    #[track_caller]
    fn stop_after(&self, turns: usize, properties: &Value) -> bool {
        let mut run = self.start(properties, "token-1", false);
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..turns {
            if let Poll::Ready(_ended) = run.as_mut().poll(&mut context) {
                return true;
            }
            if self.world.cloud.clock().advance_to_next().is_none() {
                fail("broken: an action waits for something that is not behind its ports");
            }
        }
        let (action, context) = (self.action.clone(), self.context(properties, "token-1", false));
        let cancel = pin!(async move { action.cancel(context).await });
        // What it says is only recorded; that it ends is what counts.
        let _ = self.world.cloud.clock().block_on(cancel);
        drop(run);
        false
    }

    /// Calls so far that do not only read, with their parameters.
    fn writes(&self) -> Vec<(String, Value)> {
        let calls = self.world.cloud.calls();
        let writes =
            calls.iter().filter(|c| !oos_core::ports::ApiRequest::new(&*c.service, &*c.api, Value::Null).is_read());
        writes.map(|c| (format!("{}.{}", c.service, c.api), c.params.clone())).collect()
    }

    fn is_idle(&self) -> bool {
        self.world.cloud.clock().pending() == 0
    }

    fn everything_said(&self, result: &Result<Outcome, ActionError>) -> String {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let _ = write!(said, "{:?}", self.action);
        if let Err(error) | Ok(Outcome::NotYet { otherwise: error, .. }) = result {
            let _ = write!(said, "{error} {error:?}");
        }
        said
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).field("expected", &self.expected).finish_non_exhaustive()
    }
}
