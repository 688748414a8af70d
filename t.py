import polars as pl
from curate.rows import *
a=with_ids(pl.DataFrame({"prompt":["p"],"response":["r"],"x":[1]}))
print(a)
print(pl.DataFrame({"id":["a","b"]}).select(hash01("id",0,"order")))
import time
df=pl.DataFrame({"prompt":["p%d"%i for i in range(200000)],"response":["x\n\"y"*500]*200000,"score":[1.0]*200000})
t=time.process_time(); with_ids(df); print(time.process_time()-t)
print(with_ids(pl.DataFrame({"prompt":["p"],"n":[None]}))["id"], with_ids(pl.DataFrame({"prompt":["p"],"h":[[{"role":"u","content":"x"}]]}))["id"])
print(with_ids(pl.DataFrame({"prompt":["p"]*2,"h":[[{"role":"u","content":"x"}],None]}))["id"].to_list(), with_ids(pl.DataFrame({"prompt":["p"]}))["id"].to_list())
