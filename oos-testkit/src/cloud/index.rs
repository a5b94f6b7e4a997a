//! Who has which tag or member: so that a call that asks for one need not look at all resources of a kind.
//!
//! A kind is indexed when it is first asked for. A change only notes the id; the words of what was changed are read
//! again with the next question. So a cloud of which nobody asks pays nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use oos_core::Value;

use super::store::{Kind, Resource};

/// Members that calls look up, by kind.
const MEMBERS: &[(Kind, &[&str])] = &[
    ("ECS::Disk", &["InstanceId", "SourceSnapshotId", "AutoSnapshotPolicyId"]),
    ("ECS::Image", &["_snapshots"]),
    ("ECS::NetworkInterface", &["InstanceId", "VSwitchId"]),
    ("VPC::EIP", &["InstanceId", "IpAddress", "BandwidthPackageId"]),
    ("ESS::Member", &["ScalingGroupId"]),
    ("ECS::Snapshot", &["SourceDiskId", "_instance"]),
    ("SLB::VServerGroup", &["LoadBalancerId"]),
    ("RDS::Database", &["DBInstanceId"]),
    ("RDS::Account", &["DBInstanceId"]),
    ("VPC::VSwitch", &["VpcId"]),
    ("CS::Node", &["_cluster"]),
    ("VPC::ForwardEntry", &["_gateway"]),
    ("VPC::SnatEntry", &["_gateway"]),
];

/// True when resources of the kind are indexed by the member.
pub(super) fn has(kind: Kind, member: &str) -> bool {
    members(kind).contains(&member)
}

fn members(kind: Kind) -> &'static [&'static str] {
    MEMBERS.iter().find(|(k, _)| *k == kind).map_or(&[], |(_, members)| members)
}

/// What a resource can be asked for by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Word {
    /// A tag of this key.
    Key(Arc<str>),
    /// A tag of this key and value.
    Tag(Arc<str>, Arc<str>),
    /// A member with this text, or a list with it.
    Member(&'static str, Arc<str>),
}

/// The index of all kinds that were asked for.
#[derive(Debug, Default)]
pub(super) struct Index(BTreeMap<Kind, OfKind>);

#[derive(Debug, Default)]
struct OfKind {
    ids: BTreeMap<Word, BTreeSet<Arc<str>>>,
    words: BTreeMap<Arc<str>, Vec<Word>>,
    /// What may have changed since the last question.
    stale: BTreeSet<Arc<str>>,
}

impl Index {
    /// Notes that a resource was made, handed out for a change, or removed.
    pub(super) fn touched(&mut self, kind: Kind, id: &Arc<str>) {
        if let Some(of) = self.0.get_mut(kind) {
            of.stale.insert(Arc::clone(id));
        }
    }

    /// Ids of those that have the word, ordered.
    pub(super) fn ids(&mut self, kind: Kind, word: &Word, all: Option<&BTreeMap<Arc<str>, Resource>>) -> Vec<Arc<str>> {
        let of = self.0.entry(kind).or_insert_with(|| OfKind {
            stale: all.into_iter().flat_map(BTreeMap::keys).cloned().collect(),
            ..OfKind::default()
        });
        let members = members(kind);
        for id in std::mem::take(&mut of.stale) {
            of.put(&id, all.and_then(|all| all.get(&id)).map(|r| words_of(r, members)).unwrap_or_default());
        }
        of.ids.get(word).into_iter().flatten().cloned().collect()
    }
}

impl OfKind {
    fn put(&mut self, id: &Arc<str>, words: Vec<Word>) {
        if self.words.get(id).is_some_and(|old| *old == words) {
            return;
        }
        for word in self.words.remove(id).unwrap_or_default() {
            if let Some(ids) = self.ids.get_mut(&word) {
                ids.remove(id);
                if ids.is_empty() {
                    self.ids.remove(&word);
                }
            }
        }
        for word in &words {
            self.ids.entry(word.clone()).or_default().insert(Arc::clone(id));
        }
        if !words.is_empty() {
            self.words.insert(Arc::clone(id), words);
        }
    }
}

fn words_of(r: &Resource, members: &[&'static str]) -> Vec<Word> {
    let tags = r.tags.iter().flat_map(|(key, value)| {
        let key: Arc<str> = key.as_str().into();
        [Word::Key(Arc::clone(&key)), Word::Tag(key, value.as_str().into())]
    });
    let texts = |member| match r.data.get(member) {
        Some(Value::List(list)) => list.iter().map(Value::to_text).collect(),
        _ => vec![r.text(member)],
    };
    tags.chain(members.iter().flat_map(|m| texts(m).into_iter().map(|text| Word::Member(m, text)))).collect()
}

#[cfg(test)]
mod tests {
    use oos_core::{Map, Timestamp};

    use super::*;
    use crate::cloud::state::State;

    const DISK: Kind = "ECS::Disk";

    fn with_disks(n: usize) -> State {
        let mut state = State::new(Timestamp::from_millis(0), 0);
        for i in 0..n {
            let data: Map = [(Arc::from("InstanceId"), Value::from(format!("i-{}", i % 2)))].into_iter().collect();
            let id = state.add(DISK, format!("d-{i}"), "", data);
            state.store.get_mut(DISK, &id).unwrap().tags.insert("n".to_owned(), i.to_string());
        }
        state
    }

    fn of(state: &State, instance: &str) -> Vec<String> {
        state.store.with(DISK, "InstanceId", instance).map(|r| r.id.to_string()).collect()
    }

    #[test]
    fn changes_after_the_first_question_are_seen() {
        let mut state = with_disks(4);
        assert_eq!(of(&state, "i-1"), ["d-1", "d-3"]);
        state.store.get_mut(DISK, "d-1").unwrap().set("InstanceId", "i-0");
        state.store.remove(DISK, "d-3");
        state.add(DISK, "d-9", "", [(Arc::from("InstanceId"), Value::from("i-1"))].into_iter().collect());
        assert_eq!(
            (of(&state, "i-0"), of(&state, "i-1")),
            (vec!["d-0".into(), "d-1".into(), "d-2".into()], vec!["d-9".into()])
        );
    }

    #[test]
    fn tags_are_found_by_key_and_by_value() {
        let mut state = with_disks(3);
        assert_eq!(state.store.tagged(DISK, "n", "2"), ["d-2".into()]);
        assert_eq!(state.store.tagged(DISK, "n", "").len(), 3);
        state.store.get_mut(DISK, "d-2").unwrap().tags.clear();
        assert!(state.store.tagged(DISK, "n", "2").is_empty());
        assert_eq!(state.store.tagged(DISK, "n", "").len(), 2);
    }

    #[test]
    fn a_copy_answers_for_itself() {
        let mut state = with_disks(2);
        assert_eq!(of(&state, "i-0"), ["d-0"]);
        let old = state.store.clone();
        state.store.remove(DISK, "d-0");
        assert!(of(&state, "i-0").is_empty());
        assert_eq!(old.with(DISK, "InstanceId", "i-0").count(), 1);
    }
}
