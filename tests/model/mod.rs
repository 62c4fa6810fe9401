//! The protocol, explored.
//!
//! Images, stores, the queue and the workers of DESIGN.md §3 as one state, everything that may
//! happen as steps from state to state, and every state that can be reached is looked at. The
//! decisions are the product's own: `domain::image::Image`'s `accept`, `reject`, `expire`, `expect`,
//! `record`, `give_up`, `count`, `nudge`, `ask`, `order`, `flip`, `reopen`, `erase` and `removed`, on
//! real images; `domain::stage`'s `admit` and `judge`; `Message::work` and `obituary`, `Work::revision`. What surrounds them is mirrored, effect by effect, in the
//! module named like its stage; each says which functions it mirrors. A process may die between any
//! two effects.
//!
//! Each scenario is bounded, and explored whole. Each mutant, which is the same protocol with one
//! rule broken, is explored with the same bounds, and must lead to a state that is wrong.

mod answers;
mod calls;
mod carrying;
mod environment;
mod fanout;
mod ingest;
mod metadata;
mod mutants;
mod poison;
mod properties;
mod requests;
mod resize;
mod scenario;
mod scenarios;
mod starts;
mod world;

use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use self::scenario::{Mutant, Scenario};
use crate::report;

/// Explores a scenario whole, prints how large it is, and demands every property.
fn holds(scenario: Scenario) {
    let name = scenario.name;
    let began = Instant::now();
    let checker = scenario.checker().threads(2).spawn_bfs().join();
    report::say(
        "model",
        format_args!(
            "{name}: {} states, {} steps, depth {}, {:.1} s",
            checker.unique_state_count(),
            checker.state_count(),
            checker.max_depth(),
            began.elapsed().as_secs_f32()
        ),
    );
    for (property, path) in checker.discoveries() {
        if checker.model().property(property).expectation.discovery_is_failure() {
            print_path(name, property, path);
        }
    }
    checker.assert_properties();
    assert!(checker.is_done(), "{name} was not explored whole");
}

/// Explores a mutant until this property is broken, and prints how it came to that.
fn is_found_out(mutant: Mutant, scenario: Scenario, property: &'static str) {
    let name = scenario.name;
    let scenario = Scenario { mutant: Some(mutant), ..scenario };
    let broken = HasDiscoveries::AnyOf([property].into());
    let checker = scenario.checker().finish_when(broken).spawn_bfs().join();
    let Some(path) = checker.discovery(property) else {
        panic!("with {mutant:?}, {name} holds: {} states", checker.unique_state_count());
    };
    print_path(&format!("{name} with {mutant:?}"), property, path);
}

fn print_path(
    name: &str,
    property: &str,
    path: stateright::Path<world::World, environment::Action>,
) {
    println!("{name}: not true that {property}:");
    for (state, action) in path.into_vec() {
        println!("    {state:?}");
        if let Some(action) = action {
            println!("  {}", environment::describe(&state, action));
        }
    }
}

macro_rules! hold {
    ($($name:ident)+) => {$(
        #[test]
        fn $name() {
            holds(scenarios::$name());
        }
    )+};
}
hold! {
    join redelivery overtaking erasure erasure_unanswered erasure_lost erasure_of_metadata upload_after_erasure presets
    presets_at_once poison poison_in_copies poison_at_once poisoned_upload adoption adopted_erasure expiry old_age
    requests requests_at_once request_and_erasure request_and_presets
    request_by_two_presets poisoned_request request_of_what_failed
}

macro_rules! find_out {
    ($($name:ident: $mutant:ident in $scenario:ident breaks $property:literal;)+) => {$(
        #[test]
        fn $name() {
            is_found_out(Mutant::$mutant, scenarios::$scenario(), $property);
        }
    )+};
}
find_out! {
    a_join_by_counter_is_found_out:
        JoinByCounter in join breaks "an announced set has ended, all of it";
    acknowledging_before_sending_is_found_out:
        AcknowledgeBeforeSend in join breaks "what crashed is healed by redelivery alone";
    overwriting_instead_of_creating_is_found_out:
        OverwriteInsteadOfCreate in upload_after_erasure breaks "an object never changes";
    sending_before_recording_is_found_out:
        SendBeforeRecord in join breaks "what crashed is healed by redelivery alone";
    telling_before_announcing_is_found_out:
        SendBeforeRecord in presets_at_once
        breaks "a revision is told under one id, and only after it was announced";
    erasing_without_a_tombstone_is_found_out:
        NoTombstone in adopted_erasure breaks "an erased image stays erased";
    a_sweeper_that_forgets_the_erased_is_found_out:
        ForgetsErased in erasure breaks "from here all comes to a right end";
    pieces_without_revision_are_found_out:
        PiecesWithoutRevision in presets breaks "what serves is one whole set";
    copies_that_know_nothing_of_each_other_are_found_out:
        CopiesOfTheirOwn in poison_in_copies
        breaks "poison is started three times at most, however many copies there are";
    variants_on_request_that_join_the_set_are_found_out:
        RequestsJoinTheSet in requests breaks "what is asked for is in no set and fails no image";
    asking_once_for_ever_is_found_out:
        AsksOnce in requests breaks "from here all comes to a right end";
}
