import { proofStamp } from '#bench/proof-stamp.ts';
import { viewOf, addRule, newBuild } from '#test/generate/build.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { digestOf, treeDifference } from '#base/tree.ts';
import { estateOf } from '#engine/proof/estate.ts';
let t=performance.now(); const lap=(s:string)=>{const n=performance.now(); console.log(s,(n-t).toFixed(1)); t=performance.now();};
const {build,groups}=proofStamp(); lap('build');
const view=viewOf(build); lap('view');
const memo=new CompileMemo(); let programs:any=compileStamp(view,build.stamp,memo); lap('compile');
digestOf(programs); lap('digest');
const em=new CompileMemo(); estateOf(view,build.stamp,em); lap('estate');
console.log(groups.length, Object.keys(programs).length, process.memoryUsage().rss/1e6);
const c:number[]=[],d:number[]=[],e:number[]=[],x:number[]=[];
for(let i=0;i<200;i++){
  const id=addRule(newBuild(build.stamp), groups[(i*37)%groups.length]!, ['r5',150,'In','Allow','Tcp','203.0.113.0/24','*',String(2000+i)]);
  view.commit([{id:id.id,before:view.get(id.id),after:id} as any]);
  let s=performance.now(); const next=compileStamp(view,build.stamp,memo); let m=performance.now(); c.push(m-s);
  digestOf(next as any); s=performance.now(); d.push(s-m);
  treeDifference(programs, next as any); m=performance.now(); x.push(m-s);
  estateOf(view,build.stamp,em); e.push(performance.now()-m); programs=next;
}
const p=(a:number[])=>{a.sort((q,w)=>q-w); return [a[100],a[197]].map(v=>v!.toFixed(3))};
console.log('compile',p(c),'digest',p(d),'diff',p(x),'estate',p(e));
