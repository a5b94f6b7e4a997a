//! One operation of the catalogue and the small enums that describe it.
//!
//! Facts only: what the gateway expects. What a template may write instead is the business of `normalise`, and what a
//! repeat means after an unknown outcome that of [`Repeat`] and `probe`.

use std::sync::Arc;

use super::{
    alias::Target,
    probe::{self, Probe},
    shape::Shape,
};

/// How an operation is called (actions 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// Flat parameters, path `/`, the operation's name in a header.
    Rpc,
    /// Method and path.
    Roa,
    /// Object storage: bucket in the host, sub-resource or object key in the path.
    ObjectStorage,
    /// The REST data plane of MNS with XML bodies.
    MnsRest,
    /// No server call: carried out by the caller itself (`OSS.GenerateUrl`).
    Local,
}

/// Where a parameter travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Query string; for RPC a form body is as good.
    Query,
    /// Form body.
    FormBody,
    /// Member of a JSON body.
    JsonBody,
    /// Member of an XML body.
    XmlBody,
    /// Hole of the path.
    Path,
    /// HTTP header.
    Header,
    /// Part of the host name.
    Host,
}

/// How a value is written at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// One text.
    Scalar,
    /// `Name.1`, `Name.Key`, `Name.1.Key`.
    Flattened,
    /// One JSON text.
    JsonText,
    /// One text, items joined with commas.
    CommaText,
    /// As it is: member of a JSON or XML body.
    Structured,
}

/// Type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text.
    String,
    /// Integer.
    Integer,
    /// Any number.
    Number,
    /// Boolean.
    Boolean,
    /// List.
    List,
    /// Map with known or free members.
    Map,
    /// Not known.
    Unknown,
}

/// A wire parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Wire name; may hold dots (`SystemDisk.Category`).
    pub name: Arc<str>,
    /// Where it travels.
    pub place: Place,
    /// How it is written.
    pub form: Form,
    /// Type.
    pub kind: Kind,
    /// A hint only: the sources mark parameters as required that official templates leave out.
    pub required: bool,
    /// Shape of a list or map, where known.
    pub shape: Option<Shape>,
}

/// Names of one paging style: the cursor in request and answer, and the page size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageNames {
    /// `NextToken`, `PageNumber`, `Marker`.
    pub cursor: Arc<str>,
    /// `MaxResults`, `PageSize`, `MaxItems`; some operations have none.
    pub size: Option<Arc<str>>,
}

/// The paging styles of an operation; 55 have two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paging {
    /// Token style.
    pub token: Option<PageNames>,
    /// Page-number style.
    pub number: Option<PageNames>,
    /// Marker style.
    pub marker: Option<PageNames>,
}

impl Paging {
    /// Every style of the operation.
    pub fn styles(&self) -> impl Iterator<Item = &PageNames> {
        [&self.token, &self.number, &self.marker].into_iter().flatten()
    }
}

/// What may be done when nobody knows whether a call was carried out (durability rule 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Repeat {
    /// Reads only: call again.
    Read,
    /// Call again with the same `ClientToken`.
    Token,
    /// Call again; an answer that says "already so" is a success.
    Natural,
    /// Ask the read call of [`Operation::probe`] first.
    Probe,
    /// Never call again.
    Never,
}

/// One operation of one product version.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Product id in lower case: `ecs`, `fc-open`.
    pub product: Arc<str>,
    /// Product code as the gateway spells it: `Ecs`.
    pub code: Arc<str>,
    /// Version of the API: `2014-05-26`; empty for the two internal products.
    pub version: Arc<str>,
    /// Official spelling of the name.
    pub api: Arc<str>,
    /// How it is called.
    pub style: Style,
    /// HTTP method that the official client uses.
    pub method: Arc<str>,
    /// Path with `{holes}`; `/` for RPC.
    pub path: Arc<str>,
    /// Wire parameters: all of them when `complete`, else those that are lists, maps or in the body.
    pub parameters: Vec<Parameter>,
    /// True when `parameters` lists every parameter, so that another name is a mistake.
    pub complete: bool,
    /// Names of the previous SDK generation, which templates use, and what they mean.
    pub(crate) aliases: Vec<(Arc<str>, Target)>,
    /// Name of the idempotency token.
    pub client_token: Option<Arc<str>>,
    /// Paging styles.
    pub paging: Option<Paging>,
    /// Shape of the JSON answer.
    pub response: Option<Shape>,
}

/// Verbs whose repeat changes nothing (durability rule 5; `Enable`, `Disable`, `Cancel` and `Unbind` are ours).
// CHOICE: the spec's list ends with an ellipsis; these four set a state or take something away, as its other verbs do.
const NATURAL: [&str; 18] = [
    "Set", "Modify", "Update", "Put", "Tag", "Untag", "UnTag", "Delete", "Remove", "Release", "Suspend", "Resume",
    "Complete", "AddTags", "Enable", "Disable", "Cancel", "Unbind",
];

/// Verbs after which "not found" means done.
const REMOVING: [&str; 6] = ["Delete", "Remove", "Release", "Untag", "UnTag", "Unbind"];

const READING: [&str; 10] =
    ["Describe", "List", "Get", "Query", "Check", "Search", "Count", "Preview", "Validate", "Is"];

impl Operation {
    /// The parameter called `name`, exactly or else without regard to case.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        let exact = self.parameters.iter().find(|p| &*p.name == name);
        exact.or_else(|| self.parameters.iter().find(|p| p.name.eq_ignore_ascii_case(name)))
    }

    /// Alias names that templates may use, for hints.
    pub fn alias_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.aliases.iter().map(|(name, _)| name)
    }

    /// True when the call only reads (aliyun-client 5.4): by method where there is one to choose, else by verb.
    pub fn is_read(&self) -> bool {
        match self.style {
            Style::Local => true,
            Style::Rpc => begins_with_verb(&self.api, &READING),
            Style::Roa | Style::ObjectStorage | Style::MnsRest => matches!(&*self.method, "GET" | "HEAD"),
        }
    }

    /// True for a call that takes something away: "not found" is then the wanted state.
    pub fn removes(&self) -> bool {
        begins_with_verb(&self.api, &REMOVING)
    }

    /// What a repeat after an unknown outcome means (durability rule 5).
    pub fn repeat(&self) -> Repeat {
        if self.is_read() {
            Repeat::Read
        } else if self.client_token.is_some() {
            Repeat::Token
        } else if begins_with_verb(&self.api, &NATURAL) {
            Repeat::Natural
        } else if self.probe().is_some() {
            Repeat::Probe
        } else {
            Repeat::Never
        }
    }

    /// The read call that tells whether a start, stop, attach … has been carried out.
    pub fn probe(&self) -> Option<&'static Probe> {
        probe::find(&self.product, &self.api)
    }
}

/// True when `name` starts with one of `verbs` as a whole word: `IsX` and `Is`, not `Issue`.
pub(crate) fn begins_with_verb(name: &str, verbs: &[&str]) -> bool {
    verbs.iter().any(|verb| {
        let word_ends = |rest: &str| rest.is_empty() || !rest.starts_with(|c: char| c.is_ascii_lowercase());
        name.get(..verb.len()).is_some_and(|head| head.eq_ignore_ascii_case(verb))
            && name.get(verb.len()..).is_some_and(word_ends)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_is_a_whole_word() {
        assert!(begins_with_verb("DescribeInstances", &READING));
        assert!(begins_with_verb("Is", &READING));
        assert!(!begins_with_verb("IssueThing", &READING));
        assert!(!begins_with_verb("SettleBill", &NATURAL));
    }
}
