/** Rewrites the answers of all golden cases (`npm run golden [PATH…]`): read the difference before you commit it. */

import { runUnits } from '#tools/unit.ts';

process.env['RINGWALL_GOLDEN'] = 'rewrite';
await runUnits(process.argv.slice(2));
