/** x */
import { readFileSync, existsSync, readdirSync } from 'node:fs';
import { nouns } from '#model/nouns.ts';
import { apiVersionsOf } from '#faces/arm/catalog.ts';
import { modelOf } from '#main/command/verify-model.ts';
import { parametersOf } from '#main/command/verify-parameters.ts';
import { parseTemplateJson } from '#template/jsonc.ts';
const dir='/work/shared/corpus/arm-templates';
const facts={number:0,location:'local',zone:'local.ringwall.internal',tenantId:'t',hosts:['h1','h2'],publicPools:['198.18.0.0/24','2001:db8::/64'],publicReserved:32,profile:'lab',enforcing:false} as const;
for (const d of readdirSync(dir)) {
  const t=performance.now();
  try {
    const template=parseTemplateJson(readFileSync(`${dir}/${d}/azuredeploy.json`,'utf8'));
    const f=`${dir}/${d}/azuredeploy.parameters.json`;
    const p=parametersOf(template, existsSync(f)?parseTemplateJson(readFileSync(f,'utf8')):{});
    const m=modelOf(template,p,{facts,nouns,apiVersionsOf,now:Date.now()});
    const ports=Object.values(m.programs).flatMap((x)=>x.kind==='router'?Object.values(x.ports):[]);
    console.log(d, 'ok', ports.length, 'ports', Object.keys((m.programs['edge'] as any).publics).length, (performance.now()-t).toFixed(0));
  } catch (e:any) { console.log(d, e.code, e.message?.slice(0,300), e.pointer, e.stack?.split('\n')[1]); }
}
