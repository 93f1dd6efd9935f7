def summarise(sweeps, out):
    print("tables to come")
