//! A world in which nothing goes wrong by itself.

use std::time::Duration;

use domain::{
    Budget, Catalog as _, Clock as _, Image, ImageId, Outbox as _, Queue as _, StageName, Status,
    stage::carry,
};

use super::world::{BEGINNING, Stages, VISIBILITY, World, pending};

impl World {
    pub fn stages(&self) -> Stages {
        Stages::over(self.objects.clone(), self.catalog.clone(), self.clock.now())
    }

    /// What the API does when it is asked for an upload URL. Ids follow each other, so that two
    /// worlds have the same.
    pub async fn create(&self, number: u8, bytes: u64) -> Image {
        let millis = u64::try_from(BEGINNING.as_millisecond()).unwrap();
        let image = pending(ImageId::mint(millis, &[number; 10]), bytes, self.clock.now());
        self.catalog.create(&image, None).await.unwrap();
        image
    }

    /// A client's upload: created, put, and its event.
    pub async fn upload(&self, number: u8, bytes: &[u8]) -> ImageId {
        let image = self.create(number, bytes.len() as u64).await;
        let event = self.put(image.id, bytes).await;
        self.queue.send(&[event]).await.unwrap();
        image.id
    }

    pub async fn image(&self, id: ImageId) -> Image {
        self.catalog.image(id).await.unwrap()
    }

    pub async fn status(&self, id: ImageId) -> Status {
        self.image(id).await.status
    }

    /// Carries messages until none is left, and lets time pass where all wait for it.
    pub async fn settle(&self, stages: &Stages) {
        // An hour in steps that no delay is shorter than.
        for _ in 0..3_600 {
            while self.step(stages).await {}
            if self.queue.is_empty() {
                return;
            }
            self.clock.advance(Duration::from_secs(1));
        }
        panic!("{} messages are left after an hour", self.queue.len());
    }

    /// Carries one message of each stage; false where there was none.
    pub async fn step(&self, stages: &Stages) -> bool {
        let mut any = false;
        for name in StageName::ALL {
            for delivery in self.queue.receive(name, 1, VISIBILITY).await.unwrap() {
                let budget = Budget::unlimited(self.clock.clone());
                carry(&*self.queue, &*self.catalog, stages.of(name), &delivery, &budget)
                    .await
                    .unwrap();
                any = true;
            }
        }
        any
    }
}
