namespace Bulkhead.Host.Files;

/// <summary>What is wrong with a path that no file has.</summary>
public static class MissingFile
{
    /// <summary>In words that follow the path.</summary>
    public static string Words(string path) => Directory.Exists(path) ? "that is a folder" : "there is no such file";
}
