// A function of Lambda's Node runtime that makes the calls that one of ours makes, so that the starts of both can be
// compared: `./dev bench cold`. COLD_FUNCTION says which it stands for, COLD_CALLS what that one asks of AWS
// ({"s3 GetObject": 2, …}, counted), COLD_QUEUE a queue that nobody reads. Pixels are sharp's, where ours reads any.
import { DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";

import { serve } from "./runtime.mjs";

const {
  COLD_FUNCTION: name,
  COLD_CALLS: counted,
  COLD_QUEUE: QueueUrl,
  DARKROOM_MEDIA_BUCKET: media,
  DARKROOM_TABLE: TableName,
  DARKROOM_UPLOADS_BUCKET: uploads,
} = process.env;

const dynamodb = new DynamoDBClient({});
const s3 = new S3Client({ forcePathStyle: true });
// Else the URL of a queue would say where SQS is, which on moto is another place.
const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
// Only a function that has to do with pictures would load it.
const sharp = ["ingest", "metadata", "resize"].includes(name) ? (await import("sharp")).default : null;
const calls = Object.entries(JSON.parse(counted));

// Each call of one image; `n` tells several of a kind apart.
const ask = {
  "dynamodb GetItem": ({ id }) =>
    dynamodb.send(new GetItemCommand({ TableName, Key: { pk: { S: `image#${id}` } }, ConsistentRead: true })),
  "dynamodb PutItem": ({ id, n }) =>
    dynamodb.send(new PutItemCommand({ TableName, Item: { pk: { S: `peer#${id}#${n}` }, made: { S: "x".repeat(500) } } })),
  "dynamodb UpdateItem": ({ id, n }) =>
    dynamodb.send(
      new UpdateItemCommand({
        TableName,
        Key: { pk: { S: `peer#${id}#${n}` } },
        UpdateExpression: "ADD ended :one",
        ExpressionAttributeValues: { ":one": { SS: ["piece"] } },
      }),
    ),
  "s3 HeadObject": (image) => s3.send(new HeadObjectCommand(upload(image))).catch(absent),
  "s3 GetObject": async (image) => {
    const object = await s3.send(new GetObjectCommand(upload(image)));
    image.bytes = await object.Body.transformToByteArray();
  },
  "s3 CopyObject": ({ id, n }) =>
    s3.send(new CopyObjectCommand({ Bucket: media, Key: `peer/${id}/copy${n}`, CopySource: `${uploads}/in/${id}` })),
  "s3 PutObject": ({ id, n, made }) =>
    s3.send(new PutObjectCommand({ Bucket: media, Key: `peer/${id}/${n}`, Body: made?.[n] ?? "{}" })),
  "s3 ListObjectsV2": ({ id }) => s3.send(new ListObjectsV2Command({ Bucket: media, Prefix: `peer/${id}/` })),
  "s3 ListMultipartUploads": ({ id }) =>
    s3.send(new ListMultipartUploadsCommand({ Bucket: uploads, Prefix: `in/${id}` })),
  "s3 DeleteObject": ({ id, n }) => s3.send(new DeleteObjectCommand({ Bucket: media, Key: `peer/${id}/${n}` })),
  "sqs SendMessageBatch": ({ id }) =>
    sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: "0", MessageBody: JSON.stringify({ image: id }) }] })),
};

// Reads come first, then pixels, then what is written.
const FIRST = ["dynamodb GetItem", "s3 HeadObject", "s3 GetObject"];

async function handler(event) {
  const [id] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(JSON.stringify(event));
  const image = { id };
  for (const [call, times] of calls.filter(([call]) => FIRST.includes(call))) await repeat(call, times, image);
  image.made = await pixels(image.bytes);
  for (const [call, times] of calls.filter(([call]) => !FIRST.includes(call))) await repeat(call, times, image);
  if (name === "api") return { statusCode: 202, body: JSON.stringify({ image_id: id }) };
  return { batchItemFailures: [] };
}

async function repeat(call, times, image) {
  for (let n = 0; n < times; n += 1) await ask[call](Object.assign(image, { n }));
}

// A header where ours reads no more; the default variants where ours makes them.
async function pixels(bytes) {
  if (!sharp || !bytes) return [];
  if (name !== "resize") return [JSON.stringify(await sharp(bytes).metadata())];
  // As sharp's manual has it: of one source, all at the same time.
  const source = sharp(bytes).rotate();
  const making = [200, 400, 800].flatMap((side) => {
    const box = { width: side, height: side, fit: "inside", withoutEnlargement: true };
    return ["webp", "jpeg"].map((format) => source.clone().resize(box).toFormat(format, { quality: 80 }).toBuffer());
  });
  return Promise.all(making);
}

function upload({ id }) {
  return { Bucket: uploads, Key: `in/${id}` };
}

function absent(error) {
  if (error.$metadata?.httpStatusCode !== 404) throw error;
}

await serve(handler);
