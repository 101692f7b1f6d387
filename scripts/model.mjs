// `npm run model`: the model of message hand-over at full depth, with the trace of each rule that is taken out.
import { jest, printCounts } from './jest.mjs';

const env = { COLORWAY_MODEL: 'full' };
const result = await jest(['--runInBand', 'test/model', ...process.argv.slice(2)], { env });
printCounts(result);
process.exitCode = result.status;
