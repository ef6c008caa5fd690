import os, sys, time, psycopg, subprocess
sys.path.insert(0,"/work/main")
import pytest
from pathlib import Path
from tests.api_server import run_api, ask_export, wait_for
def test_x(new_pg_url, tmp_path, sample_data):
    url=new_pg_url()
    with run_api(sample_data, tmp_path, "--slots","2", JOBS_URL=url, RATE_PER_MINUTE="100000") as api, api.client("101") as c:
        peak=0
        for i in range(40):
            j=ask_export(c, type="bookings", format=["csv","xlsx","pdf"][i%3])
            for _ in range(3): c.get("/api/ws/v2/reports/exports/"+j["job_id"])
            with psycopg.connect(url) as k:
                n=k.execute("select count(*) from pg_stat_activity where datname=current_database() and pid<>pg_backend_pid()").fetchone()[0]
            peak=max(peak,n); time.sleep(.05)
        wait_for(c,j["job_id"]); time.sleep(2)
        print("PEAK connections serve+2 slots:", peak)
        import httpx
        t=time.perf_counter(); r=httpx.get(api.url+"/metrics"); print("scrape ms",(time.perf_counter()-t)*1e3, [l for l in r.text.splitlines() if l.startswith("reports_jobs_ended")])
        out=subprocess.run(["ps","-eo","pid,ppid,rss,cmd"],capture_output=True,text=True).stdout.splitlines()
        mine={str(api.process.pid)}; 
        for _ in range(4):
            for l in out:
                p=l.split(None,3)
                if p[1] in mine: mine.add(p[0])
        for l in out:
            p=l.split(None,3)
            if p[0] in mine: print(int(p[2])//1024,"MB",p[3][:90])
