use oos_core::engine::MemoryStore;
use oos_testkit::prelude::*;
use oos_testkit::{FaultyStore, InPlace};
const T: &str = "
FormatVersion: OOS-2019-06-01
Tasks:
- Name: nap
  Action: ACS::Sleep
  Properties: {Duration: PT1H}
- Name: child
  Action: ACS::Template
  Properties:
    TemplateContent:
      FormatVersion: OOS-2019-06-01
      Tasks:
      - Name: inner
        Action: ACS::Sleep
        Properties: {Duration: PT1H}
";
#[test]
fn dbg() {
    for n in 1..5 {
        let cloud = FakeCloud::new();
        let store = InPlace::new(MemoryStore::new());
        let bed = TestBed::on(&cloud).store(FaultyStore::new(store.clone()).crash_after(n));
        let run = bed.start(T, Value::Null);
        bed.run_to_end();
        let bed = TestBed::on(&cloud).store(store.clone());
        let (e, id) = (bed.engine().clone(), run.id().clone());
        let h = bed.block_on(async move { e.resume(&id).await }).unwrap();
        bed.run_to_end();
        println!("{n} {:?}", h.finished());
        if h.finished().is_none() {
            let h2 = h.clone();
            println!("{:#?}", bed.block_on(async move { h2.report().await }));
            println!("{:#?}", bed.events().all());
        }
    }
}
