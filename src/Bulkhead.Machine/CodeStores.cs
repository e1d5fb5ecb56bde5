using System.IO.Hashing;
using System.Text;
using Bulkhead.Machine.Boot;
using Bulkhead.Translator;
using Bulkhead.Translator.Store;
using Bulkhead.X86.Cpuid;

namespace Bulkhead.Machine;

/// <summary>The stores of translations of the domains in this process: one for all that run the same on the same processor.</summary>
/// <remarks>The creator disposes it, after the engines. <i>Threading</i>: one at a time.</remarks>
internal sealed class CodeStores(string directory) : IDisposable
{
    /// <summary>What files of guests that are no longer run, or of other builds, may take.</summary>
    private const long MostBytes = 512L << 20;

    private readonly Dictionary<string, CodeStore> _stores = [];

    /// <summary>Why one of them could not be written, or null.</summary>
    internal string? Trouble => _stores.Values.Select(static s => s.Trouble).FirstOrDefault(static t => t is not null);

    /// <summary>The store for what a domain runs; null where none can be kept.</summary>
    /// <param name="image">The file that what it runs comes from.</param>
    /// <param name="features">Its processor.</param>
    /// <param name="options">Its engine's options.</param>
    internal CodeStore? For(string image, CpuidPolicy features, EngineOptions options)
    {
        string identity = TranslatorEngine.IdentityOf(features, options);
        string name = Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes($"{image}\n{identity}")));
        if (_stores.TryGetValue(name, out CodeStore? store))
        {
            return store;
        }

        try
        {
            if (OperatingSystem.IsLinux())
            {
                _ = Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }

            string path = Path.Combine(directory, name + ".code");
            if (File.Exists(path))
            {
                File.SetLastWriteTimeUtc(path, TimeProvider.System.GetUtcNow().UtcDateTime); // used
            }
            else
            {
                MakeRoom();
            }

            store = CodeStore.Open(path, identity, PayloadLoader.HostRandom);
            _stores.Add(name, store);
            return store;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // nowhere to keep it: as ever, it is translated
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (CodeStore store in _stores.Values)
        {
            store.Dispose();
        }
    }

    // What was used last stays, and what others are just writing.
    private void MakeRoom()
    {
        DateTime now = TimeProvider.System.GetUtcNow().UtcDateTime;
        long bytes = 0;
        foreach (FileInfo file in new DirectoryInfo(directory).GetFiles("*.code*").OrderByDescending(static f => f.LastWriteTimeUtc))
        {
            bytes += file.Length;
            bool leftBehind = file.Extension != ".code" && now - file.LastWriteTimeUtc > TimeSpan.FromHours(1);
            if (leftBehind || bytes > MostBytes)
            {
                file.Delete();
            }
        }
    }
}
