// Declares a color's queue and does not consume it: `declared.child.ts <url> <folder> <queue> <color>`. Says so, and waits to be killed.
import { coloredChannel } from '@colorway/mq/amqp';
import { createColoring } from '@colorway/registry';
import { fileDirectory } from '@colorway/registry/file';
import { connect } from 'amqplib';

const [, , url = '', folder = '', queue = '', color = ''] = process.argv;
const coloring = createColoring({ service: 'order', color, directory: fileDirectory({ folder }) });
const connection = await connect(url);
const channel = coloredChannel(coloring, await connection.createConfirmChannel());
await channel.assertQueue(queue);
process.stdout.write('declared\n');
setInterval(() => {}, 1_000);
