//! All that the fake holds, for comparing the state that two runs leave behind.

use oos_core::{Map, Value};

use super::FakeCloud;

impl FakeCloud {
    /// Every resource at the present instant, in the shape of the wire, by `<kind> <id>`: with its tags as `Tags`, its
    /// region as `RegionId` where the kind has one.
    pub fn inventory(&self) -> Value {
        self.with(|state| {
            let entry = |(kind, r): (&str, &super::store::Resource)| {
                let mut members = r.view();
                if !r.region.is_empty() {
                    members.insert("RegionId", r.region.as_ref());
                }
                if !r.tags.is_empty() {
                    let tags: Map = r.tags.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
                    members.insert("Tags", tags);
                }
                (format!("{kind} {}", r.id), Value::from(members))
            };
            Value::from(state.store.everything().map(entry).collect::<Map>())
        })
    }
}
